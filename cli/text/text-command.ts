import type { Command } from 'commander'

interface RougeOptions {
  readonly candidate: string
  readonly reference: string
  readonly json?: boolean
}

export function addTextCommand(program: Command): void {
  const text = program.command('text').description('judge generated text')
  text
    .command('rouge')
    .description('overlap of a summary with a reference: ROUGE-1, ROUGE-2 and ROUGE-L')
    .requiredOption('--candidate <file>', 'summary that is judged, a sentence a line')
    .requiredOption('--reference <file>', 'summary that it is compared with, a sentence a line')
    .option('--json', 'print JSON')
    .action(async ({ candidate, reference, json = false }: RougeOptions) => {
      const { runRouge } = await import('./rouge.ts')
      await runRouge({ candidate, reference, json, output: process.stdout })
    })
}
