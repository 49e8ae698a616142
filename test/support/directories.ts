import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ROOT } from './root.ts'

/** An empty directory; gone when the test is. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'gainnet-test-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }))
  return path
}

/** Whether this process may mount: root, and not in a container without the capability. */
export const canMountTmpfs = process.getuid?.() === 0 && triesToMount()

/** A file system of that size in memory, for tests of a full disk; unmounted with the test. */
export function tinyTmpfs(bytes: number): string {
  const path = mkdtempSync(join(tmpdir(), 'gainnet-tmpfs-'))
  mount(path, bytes)
  onTestFinished(() => unmount(path))
  return path
}

/** A file below the folder beside the repository that machines may share, or undefined. */
export function sharedFile(path: string): string | undefined {
  const file = join(ROOT, '..', 'shared', path)
  return existsSync(file) ? file : undefined
}

function mount(path: string, bytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'pipe' })
}

function unmount(path: string): void {
  // Lazily: a daemon that the test killed may hold a file for a moment longer.
  execFileSync('umount', ['-l', path], { stdio: 'pipe' })
  rmSync(path, { recursive: true, force: true })
}

function triesToMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), 'gainnet-tmpfs-'))
  try {
    mount(path, 64 * 1024)
    unmount(path)
    return true
  } catch {
    rmSync(path, { recursive: true, force: true })
    return false
  }
}
