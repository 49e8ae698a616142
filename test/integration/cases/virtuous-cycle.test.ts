import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { roundsPicture } from '../../../cases/virtuous-cycle/rounds-picture.ts'
import { CHANNELS, readSnrRounds } from '../../../cases/virtuous-cycle/snr-rows.ts'
import { playCycle } from '../../../cases/virtuous-cycle/study.ts'
import { loadOrt } from '../../../training/trainer/ort-session.ts'
import { sharedFile } from '../../support/directories.ts'

const TRACES = sharedFile('data/network-traces/irish-5g.jsonl.gz')

test.skipIf(!TRACES)(
  'a model that has only seen devices stand still is trained anew when they drive, and a damaged ' +
    'version is taken back (skipped without shared/data/network-traces)',
  { timeout: 120_000 },
  async () => {
    const conditions = {
      before: readSnrRounds(TRACES ?? '', 'Static'),
      after: readSnrRounds(TRACES ?? '', 'Driving'),
    }
    for (const traces of Object.values(conditions)) {
      expect(traces.length).toBeGreaterThan(3)
      expect(traces.flat().every(row => row.length === CHANNELS)).toBe(true)
    }
    const folder = mkdtempSync(join(tmpdir(), 'cycle-'))
    try {
      const options = { budget: 2, devices: 24, updates: 150, seed: 1, folder }
      const played = await playCycle(await loadOrt(), conditions, options)
      const types = played.rounds.flatMap(({ events }) => events.map(({ type }) => type))
      expect(types).toContain('drift')
      expect(types).toContain('taken-over')
      expect(types.at(-1), 'the damaged version is the last thing that is decided').toBe(
        'taken-back',
      )
      const late = played.rounds.find(({ events }) => events.some(({ type }) => type === 'drift'))
      expect(late?.crId).toBeGreaterThanOrEqual(played.changeCr)
      expect(roundsPicture(played)).not.toContain('NaN')
      for (const { model, best } of played.rounds) expect(model).toBeLessThanOrEqual(best)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
