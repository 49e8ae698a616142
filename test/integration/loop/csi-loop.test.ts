import { expect, test } from 'vitest'
import { CSI_FOLDER, CSI_SUBCARRIERS, writeCsiCapture } from '../../support/csi-capture.ts'
import { TestFleet } from '../../support/fleet.ts'

const RUN_MS = 150_000
/** Twenty times the pace of the capture: all of it is seen in a few rounds. */
const ROWS_PER_SECOND = 2000
const WINDOW_ROWS = 50

test.skipIf(!CSI_FOLDER)(
  'a fleet whose sensor is a replayed radio capture learns to tell what a person does ' +
    '(skipped without shared/data/wifi-csi-esp32)',
  async () => {
    const fleet = await TestFleet.prepare({ broker: 'mosquitto', agents: ['pi-01'] })
    const { classes, ...heldBack } = writeCsiCapture(fleet.root, 'held-back', { from: 16, to: 20 })
    const capture = writeCsiCapture(fleet.root, 'capture', { from: 0, to: 16 })
    const samples = { shape: [CSI_SUBCARRIERS], windowRows: WINDOW_ROWS, strideRows: 25 }
    fleet.startController({
      training: { batch: 16, localEpochs: 20, storedSamplesMax: 200 },
      models: [
        {
          kind: 'built-in',
          modelId: 'activity',
          objective: 'classes',
          architecture: {
            kind: 'cnn-1d',
            inputChannels: CSI_SUBCARRIERS,
            length: WINDOW_ROWS,
            channels: [16],
            classes,
          },
          samples: { ...samples, rowsLast: true, scaling: 'standardize' },
          evaluation: heldBack,
        },
      ],
    })
    await fleet.connectTap()
    const { path, labels } = capture
    const rowsPerSecond = ROWS_PER_SECOND
    const shape = [CSI_SUBCARRIERS]
    fleet.startAgent('pi-01', {
      sensors: [{ kind: 'replay', id: 'csi', path, labels, shape, rowsPerSecond }],
    })
    await fleet.isReady('pi-01')
    const judged = () => fleet.tap.all('modelManifest').flatMap(({ body }) => body.judgement ?? [])
    const { models, sensing } = await fleet.waitForRecord(
      ({ models }) => (models[0]?.judgement?.accuracy ?? 0) > 0.5,
      { ms: RUN_MS, what: 'half of the held-back windows are told right' },
    )
    // Ten classes, and a model that knows nothing.
    expect(judged()[0]?.accuracy).toBeLessThan(0.4)
    expect(models[0]?.judgement?.lossMean).toBeLessThan(judged()[0]?.lossMean ?? 0)
    expect(models[0]?.bitsPerByte).toBeUndefined()
    const { use } = sensing?.[0]?.interval ?? {}
    expect(use?.rows?.used).toBeGreaterThan(WINDOW_ROWS)
    expect(use?.rows?.used).toBeLessThanOrEqual(use?.rows?.granted ?? 0)
    await fleet.stop()
  },
  RUN_MS + 60_000,
)
