/** What a satellite receiver says of place and time; a field that it left open is absent. */
export interface GnssFix {
  /** Sentence or message that it is from, e.g. 'RMC' or 'NAV-PVT'. */
  readonly source: string
  readonly isValid: boolean
  /** ISO 8601, only from messages that state a date. */
  readonly utc?: string
  /** Standard error of the time, in seconds. */
  readonly timeErrorSeconds?: number
  /** Degrees, north and east positive, WGS 84. */
  readonly latitude?: number
  readonly longitude?: number
  /** Above mean sea level. */
  readonly altitudeMetres?: number
  readonly horizontalErrorMetres?: number
  readonly speedMetresPerSecond?: number
  /** Clockwise from true north. */
  readonly courseDegrees?: number
  readonly satellitesUsed?: number
  readonly hdop?: number
}

/** A valid fix without the fields that are absent. */
export function fixOf(
  source: string,
  isValid: boolean,
  fields: {
    readonly [Field in keyof Omit<GnssFix, 'source' | 'isValid'>]: GnssFix[Field] | null | undefined
  },
): GnssFix {
  const known = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)
  return { source, isValid, ...Object.fromEntries(known) }
}
