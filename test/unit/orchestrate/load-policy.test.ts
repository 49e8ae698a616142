import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadPolicy } from '../../../controller/orchestrate/policies/load-policy.ts'
import { buildPolicyFile } from '../../../controller/orchestrate/sac/policy-networks.ts'

const folder = mkdtempSync(join(tmpdir(), 'gainnet-policy-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = join(folder, 'policy.onnx')
writeFileSync(file, buildPolicyFile(new Map()))

describe('the policy of a configuration', () => {
  test('is that of the registry, or the learned one of a file', async () => {
    expect((await loadPolicy('receding-dp', undefined)).name).toBe('receding-dp')
    expect((await loadPolicy('sac', file)).name).toBe('sac')
    // Its name in configurations of before.
    expect((await loadPolicy('sac-guarded', file)).name).toBe('sac')
  })

  test.each([
    ['sac', undefined, 'CONFIG_INVALID', /gainnet policy train writes one/],
    ['sac', join(folder, 'none.onnx'), 'FILE_UNREADABLE', /none.onnx cannot be read/],
    ['sacc', file, 'CONFIG_INVALID', /'sacc' is none of greedy-gain, .*sac$/],
  ])('%s with the file %s is refused: %s', async (name, path, code, message) => {
    await expect(loadPolicy(name, path)).rejects.toMatchObject({ code })
    await expect(loadPolicy(name, path)).rejects.toThrow(message)
  })

  test('what is no ONNX file, or a part of one, is refused', async () => {
    const whole = buildPolicyFile(new Map())
    for (const bytes of [new Uint8Array(0), Buffer.from('not a model'), whole.slice(0, 1000)]) {
      const broken = join(folder, 'broken.onnx')
      writeFileSync(broken, bytes)
      await expect(loadPolicy('sac', broken)).rejects.toMatchObject({ code: 'MODEL_INVALID' })
    }
  })
})
