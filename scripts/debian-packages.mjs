/** Those of a lab of network namespaces (bench/lab/). */
export const LAB_PACKAGES = [
  { name: 'iproute2', command: 'ip', for: 'network namespaces' },
  { name: 'vde2', command: 'wirefilter', for: 'delay on the links of a lab' },
  { name: 'iperf3', command: 'iperf3', for: 'what a link of a lab lets through' },
  { name: 'iputils-ping', command: 'ping', for: 'round trips on the links of a lab' },
]

/** Debian packages that tests use. Without one of them, the tests that need it are skipped. */
export const DEBIAN_PACKAGES = [
  { name: 'mosquitto', command: 'mosquitto', for: 'the same suites on the broker of a real site' },
  { name: 'mosquitto-clients', command: 'mosquitto_sub', for: 'the tutorial, which watches' },
  { name: 'openssl', command: 'openssl', for: 'certificates of brokers with TLS' },
  ...LAB_PACKAGES,
  { name: 'gcc', command: 'gcc', for: 'the unit tests of the firmware, under the sanitizers' },
  { name: 'libc6-dev', file: '/usr/include/stdio.h', for: 'the same' },
  { name: 'make', command: 'make', for: 'the firmware' },
  { name: 'gcc-arm-none-eabi', command: 'arm-none-eabi-gcc', for: 'the firmware for a board' },
  { name: 'qemu-system-arm', command: 'qemu-system-arm', for: 'a board that runs the firmware' },
  { name: 'socat', command: 'socat', for: 'pairs of pseudo-terminals' },
  { name: 'strace', command: 'strace', for: 'the system calls that a program makes' },
  { name: 'faketime', command: 'faketime', for: 'a board whose date jumps' },
  { name: 'ffmpeg', command: 'ffmpeg', for: 'cameras' },
  { name: 'rtl-433', command: 'rtl_433', for: 'a foreign client of the radio server of tests' },
]

/** Those of the tests that run programs for arm64: an emulator, and the libraries of such programs. */
export const ARM64_PACKAGES = [
  { name: 'qemu-user-static', command: 'qemu-aarch64-static', for: 'programs of other processors' },
  { name: 'libc6-arm64-cross', file: '/usr/aarch64-linux-gnu/lib/libc.so.6', for: 'Node' },
  {
    name: 'libstdc++6-arm64-cross',
    file: '/usr/aarch64-linux-gnu/lib/libstdc++.so.6',
    for: 'Node',
  },
  { name: 'libgcc-s1-arm64-cross', file: '/usr/aarch64-linux-gnu/lib/libgcc_s.so.1', for: 'Node' },
]
