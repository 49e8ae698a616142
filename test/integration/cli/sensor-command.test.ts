import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../../support/directories.ts'
import { runCli } from './run-cli.ts'

const SENTENCE = '$GNRMC,055234.000,A,4739.71890,N,12219.58362,W,1.00,286.35,050826,,,A,V*12\r\n'

async function captureFile(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(await temporaryDirectory(), name)
  await writeFile(path, content)
  return path
}

describe('gainnet sensor decode', () => {
  test('says what was read, what was of no use and what was dropped', async () => {
    const broken = SENTENCE.replace('*12', '*13')
    const file = await captureFile('receiver.log', `noise\n${SENTENCE}$GNZZZ,1*4E\r\n${broken}`)
    const { stdout, exitCode } = await runCli(['sensor', 'decode', 'gnss', file])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/bytes, 6 of them between messages/)
    expect(stdout).toMatch(/read\n {2}RMC {2}1\n/)
    expect(stdout).toMatch(/dropped\n {2}NMEA checksum {2}1\n/)
    expect(stdout).toContain('"latitude":47.66198')
  })

  test('prints every reading of a packed capture as JSON', async () => {
    const file = await captureFile('receiver.log.gz', gzipSync(SENTENCE.repeat(3)))
    const { stdout } = await runCli(['sensor', 'decode', 'gnss', file, '--json'])
    const document = JSON.parse(stdout)
    expect(document).toMatchObject({ driver: 'gnss', noiseBytes: 0, read: { RMC: 3 }, dropped: {} })
    expect(document.readings).toHaveLength(3)
  })

  test.each([
    ['a file that is not there', () => Promise.resolve('/nowhere/at-all'), 'does not exist'],
    ['what is not packed', () => captureFile('text.gz', 'plain'), 'cannot be read: incorrect'],
  ])('%s is said in a line, without a stack', async (_name, fileOf, words) => {
    const { stderr, exitCode } = await runCli(['sensor', 'decode', 'gnss', await fileOf()])
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain(words)
    expect(stderr).not.toContain('    at ')
  })
})
