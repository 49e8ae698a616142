import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { mosquittoFiles } from '../controller/broker/credentials.ts'
import type { Stoppable } from '../runtime/shutdown.ts'

const START_MS_MAX = 10_000

/** Where Debian's Mosquitto is; undefined where it is not installed. */
export function findMosquitto(): string | undefined {
  // Debian puts daemons where a user without root does not look.
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
    .map(folder => join(folder, 'mosquitto'))
    .find(existsSync)
}

/**
 * Mosquitto as a process of its own, with the credentials of a state directory, our access rules,
 * and otherwise its own limits; TCP_NODELAY as the embedded broker has it.
 */
export async function startMosquitto(o: {
  readonly program: string
  readonly stateDirectory: string
  readonly site: string
  readonly port: number
}): Promise<Stoppable> {
  const { program, stateDirectory, site, port } = o
  const files = await mosquittoFiles({ stateDirectory, site, directory: stateDirectory })
  const configFile = join(stateDirectory, 'mosquitto.conf')
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous false',
    `password_file ${files.passwordFile}`,
    `acl_file ${files.accessFile}`,
    'set_tcp_nodelay true',
    // Else it gives up root for a user who may not look into the directory.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
  ]
  writeFileSync(configFile, `${lines.join('\n')}\n`)
  const child = spawn(program, ['-c', configFile], { stdio: 'ignore' })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  await answered(child, port)
  return {
    stop: async () => {
      process.off('exit', kill)
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

async function answered(child: ChildProcess, port: number): Promise<void> {
  const endsAt = performance.now() + START_MS_MAX
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`)
    if (performance.now() > endsAt) throw new Error('mosquitto did not listen in time')
    await wait(20)
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const settle = (answer: boolean) => (): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', settle(true))
    socket.once('error', settle(false))
  })
}
