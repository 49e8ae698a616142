/** Indented JSON, but a row of numbers on one line. */
export function printedRows(document: unknown): string {
  return JSON.stringify(document, null, 2).replace(/\[[\d.,\s]+\]/g, numbers =>
    numbers.replace(/\s+/g, '').replaceAll(',', ', '),
  )
}
