import type { AgentConfig } from '../../config/agent-schema.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { Logger } from '../../runtime/logger.ts'
import type { Recording, RecordOptions, Segment, Sensor } from '../sensors/sensor.ts'
import { LabelFile, labelTimes } from './label-intervals.ts'
import { classesTold, lastTold } from './teacher.ts'

type LabelConfig = AgentConfig['labels'][number]
type TeacherConfig = Extract<LabelConfig, { kind: 'teacher' }>

/** Records sensors, and gives their rows the classes that somebody else knows. */
export class Labelling {
  readonly #sensors: readonly Sensor[]
  readonly #log: Logger
  readonly #files = new Map<string, LabelFile>()
  readonly #teachers = new Map<string, TeacherConfig>()

  constructor(o: {
    readonly configs: readonly LabelConfig[]
    readonly sensors: readonly Sensor[]
    readonly log: Logger
  }) {
    this.#sensors = o.sensors
    this.#log = o.log
    for (const config of o.configs) {
      if (config.kind === 'file') this.#files.set(config.sensor, new LabelFile(config.path))
      else this.#teachers.set(config.sensor, config)
    }
  }

  /** Whether somebody else tells the classes of a sensor's rows. */
  isLabelled(sensor: string): boolean {
    return this.#files.has(sensor) || this.#teachers.has(sensor)
  }

  async record(sensor: Sensor, options: RecordOptions): Promise<Recording> {
    const [file, teacher] = [this.#files.get(sensor.id), this.#teachers.get(sensor.id)]
    if (file) return this.#labelledByFile(file, await sensor.record(options))
    return teacher ? this.#recordTaught(sensor, teacher, options) : sensor.record(options)
  }

  /** What cannot be labelled now stays as it is: it still serves models that need no classes. */
  async #labelledByFile(file: LabelFile, recording: Recording): Promise<Recording> {
    try {
      const intervals = await file.intervals()
      return relabelled(recording, ({ atMs }) => labelTimes(atMs, intervals))
    } catch (error) {
      this.#log.warn({ reason: messageOf(error) }, 'rows not labelled')
      return recording
    }
  }

  async #recordTaught(
    sensor: Sensor,
    { teacher: id, column, ageMsMax }: TeacherConfig,
    options: RecordOptions,
  ): Promise<Recording> {
    const teacher = this.#sensors.find(one => one.id === id)
    if (!teacher) return sensor.record(options)
    const enough = new AbortController()
    const signal = AbortSignal.any([options.signal, enough.signal])
    const { untilMs } = options
    const teaching = teacher
      .record({ untilMs, rowsMax: Number.MAX_SAFE_INTEGER, signal })
      .catch(error => {
        this.#log.warn({ teacher: id, reason: messageOf(error) }, 'teacher not recorded')
        return { segments: [] }
      })
    try {
      const recording = await sensor.record(options)
      enough.abort(new Error('the recording that it taught has ended'))
      const told = classesTold((await teaching).segments, teacher, column)
      return relabelled(recording, ({ atMs }) => lastTold(atMs, told, { ageMsMax }))
    } finally {
      enough.abort(new Error('the recording that it taught has ended'))
    }
  }
}

function relabelled(recording: Recording, labelsOf: (segment: Segment) => Int32Array): Recording {
  const segments = recording.segments.map(one => ({ ...one, labels: labelsOf(one) }))
  return { ...recording, segments }
}
