import { constants } from 'node:fs'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { mosquittoFiles } from '../controller/broker/credentials.ts'
import { GainnetError } from '../runtime/errors.ts'
import { logFileOf, type RunFolder, stateDirectoryOf } from './demo-config.ts'
import { DemoDaemon } from './demo-daemon.ts'

/** Debian keeps daemons where the PATH of a user does not look. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
const ANSWER_MS_MAX = 5000
const ANSWER_POLL_MS = 50

/** The system's Mosquitto with the demo's credentials and our access rules. */
export async function startMosquitto(
  folder: RunFolder,
  { site, port }: { readonly site: string; readonly port: number },
): Promise<DemoDaemon> {
  const program = await findProgram('mosquitto')
  if (!program) {
    throw new GainnetError(
      'USAGE',
      '--broker mosquitto needs the program: apt-get install mosquitto',
    )
  }
  const directory = join(folder.root, 'mosquitto')
  await mkdir(directory, { recursive: true })
  const stateDirectory = stateDirectoryOf(folder, 'controller')
  const files = await mosquittoFiles({ stateDirectory, site, directory })
  const configFile = join(directory, 'mosquitto.conf')
  await writeFile(configFile, configText({ ...files, port }))
  // Without a channel to us: the kernel tells it when we die.
  const setpriv = await findProgram('setpriv')
  const guard = setpriv ? [setpriv, '--pdeathsig', 'TERM', '--'] : []
  return DemoDaemon.program({
    name: 'mosquitto',
    command: [...guard, program, '-c', configFile],
    logFile: logFileOf(folder, 'mosquitto'),
  })
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
    'set_tcp_nodelay true',
    'persistence false',
    // Else it gives up root for a user who may not read the files of the run.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    '',
  ].join('\n')
}

async function findProgram(name: string): Promise<string | null> {
  for (const folder of FOLDERS) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (folder !== '' && isThere) return path
  }
  return null
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
