import { writeFileSync } from 'node:fs'
import { protocolHeader } from './protocol-header.ts'
import { protocolPage } from './protocol-page.ts'

/** Run after a change of messages.ts: node --import tsx firmware-bridge/protocol/write-protocol.ts */
const root = new URL('../../', import.meta.url)
writeFileSync(new URL('firmware-bridge/firmware/core/protocol.h', root), protocolHeader())
writeFileSync(new URL('docs/reference/firmware-protocol.md', root), protocolPage())
