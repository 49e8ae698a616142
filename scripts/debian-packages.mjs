/** Debian packages that tests use. Without one of them, the tests that need it are skipped. */
export const DEBIAN_PACKAGES = [
  { name: 'mosquitto', command: 'mosquitto', for: 'the same suites on the broker of a real site' },
  { name: 'mosquitto-clients', command: 'mosquitto_sub', for: 'the tutorial, which watches' },
  { name: 'iproute2', command: 'ip', for: 'programs in an empty network namespace' },
  { name: 'strace', command: 'strace', for: 'the system calls that a program makes' },
]
