import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { addNamespace, removeNamespaces, removeStaleNamespaces } from './namespaces.ts'
import { Wire } from './wire.ts'

export interface LabHost {
  readonly name: string
  readonly namespace: string
}

/**
 * Hosts, each in a network namespace of its own, and wires between them. Nothing of it is visible
 * outside, so that addresses repeat from lab to lab. Whatever happens to the process, no namespace is
 * left for longer than until the next lab is made.
 */
export class Lab {
  readonly #name: string
  readonly #hosts = new Map<string, LabHost>()
  readonly #wires: Wire[] = []
  readonly #middle: string
  readonly #onExit = () => this.#removeNow()
  readonly #onSignal = (signal: NodeJS.Signals) => {
    this.#removeNow()
    process.kill(process.pid, signal)
  }

  private constructor(name: string) {
    this.#name = name
    process.once('exit', this.#onExit)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, this.#onSignal)
    this.#middle = addNamespace(name, 'wires')
  }

  static create(o: { readonly name: string; readonly hosts: readonly string[] }): Lab {
    removeStaleNamespaces()
    const lab = new Lab(o.name)
    try {
      for (const name of o.hosts) {
        lab.#hosts.set(name, { name, namespace: addNamespace(o.name, name) })
      }
      return lab
    } catch (error) {
      lab.#removeNow()
      throw error
    }
  }

  /** A wire between two hosts: `a` has the address 10.77.n.2 on it, `b` has 10.77.n.1. */
  wire(a: string, b: string): Wire {
    const index = this.#wires.length
    const [from, to] = [this.#host(a), this.#host(b)]
    const wire = new Wire({
      a: { namespace: from.namespace, address: `10.77.${index}.2` },
      b: { namespace: to.namespace, address: `10.77.${index}.1` },
      middle: this.#middle,
      index,
    })
    this.#wires.push(wire)
    return wire
  }

  /** A program on a host. It has the process id that the child says: `ip` becomes the program. */
  spawn(
    host: string,
    command: string,
    args: readonly string[],
    options: SpawnOptions = {},
  ): ChildProcess {
    const { namespace } = this.#host(host)
    return spawn('ip', ['netns', 'exec', namespace, command, ...args], options)
  }

  /** A program on a host until it has ended; throws where that was not with 0. */
  async run(host: string, command: string, args: readonly string[]): Promise<string> {
    const child = this.spawn(host, command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', chunk => {
      stdout += chunk
    })
    child.stderr?.on('data', chunk => {
      stderr += chunk
    })
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (code === 0) return stdout
    throw new Error(
      `${command} on ${host} of lab ${this.#name} ended with ${code}: ${stderr}${stdout}`,
    )
  }

  /** What still runs on the hosts is killed. */
  async remove(): Promise<void> {
    for (const wire of this.#wires) await wire.remove()
    this.#removeNow()
    process.off('exit', this.#onExit)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.off(signal, this.#onSignal)
  }

  #host(name: string): LabHost {
    const host = this.#hosts.get(name)
    if (!host) throw new Error(`lab ${this.#name} has no host ${name}`)
    return host
  }

  #removeNow(): void {
    const hosts = [...this.#hosts.values()].map(({ namespace }) => namespace)
    removeNamespaces([...hosts, this.#middle])
  }
}
