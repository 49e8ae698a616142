import type { Writable } from 'node:stream'
import type { AgentConfig } from '../../config/agent-schema.ts'
import { GainnetError } from '../../runtime/errors.ts'
import { createLogger, type Logger } from '../../runtime/logger.ts'
import { printedRows } from '../../runtime/printed-json.ts'
import { paintFor } from '../measure/heat-map.ts'
import { measurementsCsv, measurementsDocument } from '../measure/page/measurements-document.ts'
import { renderSensorsPage } from '../measure/page/sensors-page.ts'
import { type ProbeResult, runProbe } from '../measure/probe.ts'
import { sensorProbe } from '../measure/sensor-probe.ts'
import { videoDeviceProbe } from '../measure/video-device-probe.ts'

export interface MeasureSensorsOptions {
  readonly seconds: number
  readonly json: boolean
  readonly csv: boolean
  readonly explain: boolean
  readonly output: Writable
}

/** Opens every configured sensor, one after the other, and shows what each delivers. */
export async function measureSensors(
  config: Pick<AgentConfig, 'agentId' | 'measure' | 'sensors' | 'radios'>,
  options: MeasureSensorsOptions,
): Promise<void> {
  const { seconds, json, csv, explain, output } = options
  if (config.sensors.length === 0) {
    throw new GainnetError(
      'SENSOR_UNAVAILABLE',
      'no sensor is configured: name one below sensors in the configuration of the agent',
    )
  }
  const log = createLogger({ daemon: 'measure', level: 'silent' })
  const { procRoot, sysRoot } = config.measure
  const results: Record<string, ProbeResult<unknown>> = {}
  for (const sensor of config.sensors) {
    const probe = sensorProbe(sensor, { seconds, radios: config.radios, log })
    results[sensor.id] = await runProbe(probe, { roots: { procRoot, sysRoot }, log })
  }
  const shown = { ...results, ...(await videoDevices(config, log)) }
  const isTTY = 'isTTY' in output && output.isTTY === true
  const measuredAt = new Date().toISOString()
  if (csv) output.write(measurementsCsv(shown))
  else if (json) output.write(`${printedRows({ sensors: measurementsDocument(shown) })}\n`)
  else {
    const paint = paintFor({ isTTY, env: process.env })
    output.write(
      renderSensorsPage({ agentId: config.agentId, measuredAt, results: shown, paint, explain }),
    )
  }
  refuseNone(results)
}

/** Cameras that could be configured, where somebody looks at cameras. */
async function videoDevices(
  { sensors, measure: { procRoot, sysRoot } }: Pick<AgentConfig, 'measure' | 'sensors'>,
  log: Logger,
): Promise<Record<string, ProbeResult<unknown>>> {
  if (!sensors.some(({ kind }) => kind === 'camera')) return {}
  const probe = videoDeviceProbe()
  return { [probe.name]: await runProbe(probe, { roots: { procRoot, sysRoot }, log }) }
}

/** Each has its outcome on the page; where none delivers, the command has failed. */
function refuseNone(results: Readonly<Record<string, ProbeResult<unknown>>>): void {
  const all = Object.entries(results)
  if (all.some(([, { status }]) => status === 'ok')) return
  const reasons = all.map(([name, result]) => `${name}: ${'reason' in result ? result.reason : ''}`)
  throw new GainnetError('SENSOR_UNAVAILABLE', `no sensor delivers: ${reasons.join('; ')}`)
}
