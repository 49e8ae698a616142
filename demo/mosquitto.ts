import { accessSync, constants } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { mosquittoFiles } from '../controller/broker/credentials.ts'
import { GainnetError } from '../runtime/errors.ts'
import { DemoDaemon } from './demo-daemon.ts'

/** Debian keeps daemons where the PATH of a user does not look. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
const ANSWER_MS_MAX = 10_000
const ANSWER_POLL_MS = 20

/** The path of a program of the system; undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.filter(folder => folder !== '')
    .map(folder => join(folder, name))
    .find(isExecutable)
}

/**
 * The system's Mosquitto as a process of its own, with the credentials of a controller's state
 * directory, our access rules, and otherwise its own limits.
 */
export async function startMosquitto(o: {
  /** Of the broker's own files. */
  readonly directory: string
  readonly stateDirectory: string
  readonly logFile: string
  readonly site: string
  readonly port: number
}): Promise<DemoDaemon> {
  const { directory, stateDirectory, logFile, site, port } = o
  const program = findProgram('mosquitto')
  if (!program) {
    throw new GainnetError('USAGE', 'mosquitto is not installed: apt-get install mosquitto')
  }
  await mkdir(directory, { recursive: true })
  const files = await mosquittoFiles({ stateDirectory, site, directory })
  const configFile = join(directory, 'mosquitto.conf')
  await writeFile(configFile, configText({ ...files, port }))
  // Without a channel to us: the kernel tells it when we die.
  const setpriv = findProgram('setpriv')
  const guard = setpriv ? [setpriv, '--pdeathsig', 'TERM', '--'] : []
  const command = [...guard, program, '-c', configFile]
  return DemoDaemon.program({ name: 'mosquitto', command, logFile })
}

/** Whether something answers on the port, asked again until it does. */
export async function answersOn(port: number, isOver: () => boolean): Promise<boolean> {
  const endsAt = performance.now() + ANSWER_MS_MAX
  while (performance.now() < endsAt && !isOver()) {
    if (await answers(port)) return true
    await new Promise(resolve => setTimeout(resolve, ANSWER_POLL_MS))
  }
  return false
}

function configText(options: {
  readonly passwordFile: string
  readonly accessFile: string
  readonly port: number
}): string {
  return [
    `listener ${options.port} 127.0.0.1`,
    'allow_anonymous false',
    `password_file ${options.passwordFile}`,
    `acl_file ${options.accessFile}`,
    // As the embedded broker has it.
    'set_tcp_nodelay true',
    'persistence false',
    // Else it gives up root for a user who may not read the files of the run.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    '',
  ].join('\n')
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
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
