import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { buildProgram } from '../../../cli/program.ts'
import { ROOT } from '../../support/root.ts'

/** The calls of gainnet in the shell blocks of a page, with their continued lines. */
function callsOf(page: string): string[] {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
  return blocks
    .flatMap(block => block.replaceAll('\\\n', ' ').split('\n'))
    .filter(line => line.startsWith('gainnet '))
}

/** Words as a shell would cut them, without redirections, comments and what runs in the background. */
function wordsOf(call: string): string[] {
  const [plain = ''] = call.split(/\s(?:#|>|2>|\||&|;)/)
  return (plain.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map(word => word.replace(/^["']|["']$/g, ''))
}

function withoutActions(command: Command): Command {
  for (const each of command.commands) withoutActions(each)
  if (command.parent) command.action(() => undefined)
  return command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
}

const PAGES = ['docs/how-to', 'docs/tutorial']
  .flatMap(folder => readdirSync(join(ROOT, folder)).map(name => join(folder, name)))
  .filter(page => callsOf(readFileSync(join(ROOT, page), 'utf8')).length > 0)

test.each(PAGES)('%s calls gainnet as it can be called', async page => {
  for (const call of callsOf(readFileSync(join(ROOT, page), 'utf8'))) {
    const [, ...words] = wordsOf(call)
    const program = withoutActions(buildProgram())
    const parsing = program.parseAsync(words, { from: 'user' }).then(
      () => 'parsed',
      error => (error.exitCode === 0 ? 'parsed' : error.message),
    )
    expect(await parsing, call).toBe('parsed')
  }
})
