import { formText, isSameForm } from '../../protocol/row-form.ts'
import type { SampleSpec } from '../../protocol/sample-spec.ts'
import type { DataSketch, SensingFigures } from '../../protocol/urp.ts'
import { dataCorrelation, learningShare } from '../orchestrate/gai-gain.ts'
import type { GraphSensor } from '../orchestrate/graph-inputs.ts'

/** What a model asks of a sensor. */
export interface Intake {
  readonly modelId: string
  readonly takes: SampleSpec
  /** Kinds of sensors; all where it is empty. */
  readonly sensorKinds: readonly string[]
  readonly targetSketch: DataSketch
}

interface FittingContext {
  readonly slotSeconds: number
  readonly gain: {
    readonly effectiveSamplesPrior: number
    readonly exponent: number
    readonly smoothing: number
  }
}

/** Whether a model can learn from a sensor: rows of its form, of a kind it accepts, with classes. */
export function fits({ takes, sensorKinds }: Intake, sensor: SensingFigures): boolean {
  return (
    isSameForm(takes.form, sensor.form) &&
    (sensorKinds.length === 0 || sensorKinds.includes(sensor.kind)) &&
    (takes.labels.kind !== 'class' || sensor.labelled)
  )
}

/** What the models of a round ask for, each thing once. */
export interface Asked {
  readonly nameByModel: ReadonlyMap<string, string>
  readonly byName: ReadonlyMap<string, Intake>
}

/**
 * Models that ask for the same share a name for it, by which the graph finds their sensors; a model
 * of which some device has several sensors has a name of its own, since the choice depends on it.
 */
export function askedOf(
  intakes: readonly Intake[],
  fleet: Iterable<readonly SensingFigures[]>,
): Asked {
  const hasChoice = new Set<string>()
  for (const sensors of fleet) {
    if (sensors.length < 2) continue
    for (const intake of intakes) {
      const fitting = sensors.filter(sensor => fits(intake, sensor))
      if (fitting.length > 1) hasChoice.add(intake.modelId)
    }
  }
  const nameByModel = new Map(
    intakes.map(intake => {
      const { modelId } = intake
      const shared = nameOf(intake)
      return [modelId, hasChoice.has(modelId) ? `${shared} for ${modelId}` : shared]
    }),
  )
  const byName = new Map(intakes.map(intake => [nameByModel.get(intake.modelId) ?? '', intake]))
  return { nameByModel, byName }
}

/** What is asked for, in words: a reason why a device does not serve a model shows them. */
function nameOf({ takes, sensorKinds }: Intake): string {
  const { form, labels, rowsPerSecond, strideRows } = takes
  return [
    formText(form),
    ...(sensorKinds.length > 0 ? [`of ${[...sensorKinds].sort().join(' or ')}`] : []),
    ...(labels.kind === 'class' ? ['with classes'] : []),
    ...(rowsPerSecond === undefined ? [] : [`at ${rowsPerSecond}/s`]),
    ...(strideRows === 1 ? [] : [`a sample every ${strideRows} rows`]),
  ].join(' ')
}

/** The sensors of a device as the models see them: for each name the one with the greatest gain. */
export function fittingSensors(
  sensors: readonly SensingFigures[],
  { byName }: Asked,
  context: FittingContext,
): GraphSensor[] {
  return [...byName].flatMap(([name, intake]) => {
    const fitting = sensors.filter(sensor => fits(intake, sensor))
    const gainOf = (sensor: SensingFigures): number => sensingGain(sensor, intake, context)
    const [best] = fitting.length < 2 ? fitting : fitting.sort((a, b) => gainOf(b) - gainOf(a))
    return best ? [graphSensorOf(best, intake, name)] : []
  })
}

function graphSensorOf(
  { sensor, rowsPerSecond, bytesPerSecond, dropShare, resourceBlocks, sketch }: SensingFigures,
  { takes }: Intake,
  name: string,
): GraphSensor {
  return {
    sensor,
    kind: name,
    samplesPerSecond: samplesPerSecond(rowsPerSecond, takes),
    bytesPerSecond,
    dropShare,
    resourceBlocks,
    ...(sketch ? { sketch } : {}),
  }
}

/** Windows begin every stride of rows, at the rate that the model asks for or a lower one. */
function samplesPerSecond(
  rowsPerSecond: number,
  { rowsPerSecond: wanted = rowsPerSecond, strideRows }: SampleSpec,
): number {
  return Math.min(rowsPerSecond, wanted) / strideRows
}

/** χ · φ of what the sensor delivers in a slot: of sensors of one device, all else is the same. */
function sensingGain(
  { rowsPerSecond, sketch }: SensingFigures,
  { takes, targetSketch }: Intake,
  { slotSeconds, gain }: FittingContext,
): number {
  if (!sketch || sketch.counts.length !== targetSketch.counts.length) return 0
  const workload = samplesPerSecond(rowsPerSecond, takes) * slotSeconds
  return (
    dataCorrelation(sketch, targetSketch, gain.smoothing) *
    learningShare({
      workload,
      effectiveSamples: gain.effectiveSamplesPrior,
      exponent: gain.exponent,
    })
  )
}
