/** The output of `doctor`, its exit codes, and the secrets that it must never show. */
import express from 'express'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { FINDINGS } from '../../lib/cli/doctor/findings'
import { inDays, makeCertificate } from '../certificate'
import { EVIL, UNPRINTABLE } from '../integration/evil-ids'
import { cleanUp, cli, commandLines, newFolder, onClose, onTerminal, type Ran } from './cli'
import { ask, create, env, listen, SECRET } from './doctor-rig'

afterEach(cleanUp)

test('each finding has a remedy for the servers that can cause it', () => {
  for (const [code, { title, effect, remedies }] of Object.entries(FINDINGS)) {
    const servers = Object.keys(remedies)
    const isOfApp = ['unavailable', 'body_option', 'body_read'].includes(code)
    expect([code, title, effect, servers.length > 0]).toEqual([
      code,
      expect.stringMatching(/^[A-Z].*[^.]$/),
      expect.stringMatching(/^[A-Z].*\.$/),
      true,
    ])
    for (const server of isOfApp ? ['app'] : ['nginx', 'Apache', 'HAProxy'])
      expect([code, servers]).toEqual([code, expect.arrayContaining([server])])
  }
})

describe('the command', () => {
  const words = (url: string): string[] => ['doctor', url, '--basic', 'me', '--slow-upload', '1s']

  test('exit code 0, for a person and for a program', async () => {
    const { webhook } = create()
    const url = `${await listen(express().use('/tradecloud', webhook))}/tradecloud/order`
    const text = await cli(words(url), { env })
    expect([text.code, text.err]).toEqual([0, expect.stringMatching(/^(Checking: .*\n)*$/)])
    expect(text.out).toMatch(
      /^http.*\n\n {2}ok {9}POST {15}arrives\n[^]*bodies +1\.1 MB, 20 MB, 50 MB[^]*\n\nAll is well: /,
    )
    const json = await cli([...words(url), '--json'], { env })
    expect(json.code).toBe(0)
    expect(JSON.parse(json.out)).toMatchObject({ url, ok: true, findings: [], durationMs: expect.any(Number) })
  })

  test('exit code 1, with each finding and its remedies', async () => {
    const url = await listen((_req, res) => res.writeHead(404).end())
    const text = await cli(words(url), { env })
    expect(text.code).toBe(1)
    expect(text.out).toContain('The path does not lead to the webhook.\n  - POST /: 404\n  - GET /: 404\n')
    expect(text.out).toMatch(
      /\n {4}nginx {4}proxy_pass http:\/\/127\.0\.0\.1:3000; without a path[^]*\n {4}Apache [^]*\n {4}HAProxy [^]*\n {4}app /,
    )
    expect(text.out.split('\n').filter((line) => line.length > 110)).toEqual([])
    const json = await cli([...words(url), '--json'], { env })
    expect(json.code).toBe(1)
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      findings: [{ code: 'not_found', remedies: { nginx: expect.any(String) } }],
    })
  })

  test('TLS, with an authority of NODE_EXTRA_CA_CERTS, and with none that knows the certificate', async () => {
    const { webhook } = create()
    const pem = makeCertificate('127.0.0.1', inDays(-1), inDays(60.5))
    const server = createServer({ cert: pem.certificate, key: pem.privateKey }, express().use(webhook))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onClose(() => void server.close())
    const file = join(newFolder(), 'authority.pem')
    writeFileSync(file, pem.certificate)
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/order`
    const trusted = await cli(words(url), { env: { ...env, NODE_EXTRA_CA_CERTS: file } })
    expect([trusted.code, trusted.out]).toEqual([0, expect.stringMatching(/ok +TLS +TLSv1\.3, .*, 60 days left\n/)])
    const unknown = await cli(words(url), { env })
    expect([unknown.code, unknown.out]).toEqual([1, expect.stringContaining('The certificate is not trusted.')])
    expect(unknown.out).toContain('no credentials are sent over this connection')
  })

  test('a webhook that asks for credentials', async () => {
    const url = await listen(express().use(create().webhook))
    const ran = await cli(['doctor', `${url}/order`])
    expect([ran.code, ran.err]).toEqual([2, expect.stringContaining('use --basic USER or --bearer')])
  })

  test('no secret in any output nor in ps', async () => {
    const processes: string[] = []
    const url = await listen((req, res) => {
      processes.push(commandLines())
      // Some servers echo the request in their response.
      const repeated = `${req.headers.authorization}, ${SECRET}`
      const requestId = '0f8fad5b-d9cb-469f-a165-70867728950e'
      if (req.method === 'POST') res.end(JSON.stringify({ code: 'x', detail: repeated, requestId }))
      else res.writeHead(302, { Server: repeated, Location: `/?${repeated}` }).end(repeated)
    })
    const prompted = await onTerminal(words(url), { answers: [SECRET] })
    expect(prompted.out).toContain('Password: ')
    const outputs: Ran[] = [prompted, await cli(words(url), { env }), await cli([...words(url), '--json'], { env })]
    outputs.push(await cli(['doctor', url, '--bearer', '--json'], { env }))
    expect(processes.length).toBeGreaterThanOrEqual(8)
    for (const text of [...processes, ...outputs.flatMap(({ out, err }) => [out, err])])
      for (const secret of [SECRET, Buffer.from(`me:${SECRET}`).toString('base64')]) expect(text).not.toContain(secret)
  })

  test('hostile texts in every field are made printable', async () => {
    const texts = [...EVIL.filter((text) => text.length < 1_000), 'a\u200bb', '\u2066']
    const answers = texts.flatMap((text) => [
      (word: string) => ({
        outcome: 'probe',
        probe: word,
        method: text,
        path: text,
        matched: false,
        headers: [text],
        bytes: 0,
      }),
      (word: string) => ({
        outcome: 'probe',
        probe: word,
        method: text,
        path: text,
        matched: true,
        id: text,
        problem: text,
        headers: [text],
        bytes: text,
      }),
      (word: string) => ({
        outcome: 'probe',
        probe: word,
        method: 'GET',
        path: '/',
        matched: true,
        id: text,
        problem: text,
        headers: [text],
        bytes: 1,
      }),
      () => ({ code: text, detail: text, requestId: '0f8fad5b-d9cb-469f-a165-70867728950e' }),
      () => ({ outcome: text, deliveryId: '0f8fad5b-d9cb-469f-a165-70867728950e' }),
    ])
    let at = 0
    const url = await listen((req, res) => {
      const word = String(req.headers['tradecloud-webhook-probe'])
      const location = encodeURI(texts[at % texts.length] ?? '').replace(/%/g, '\u00ff')
      res.writeHead(at % 2 === 0 ? 200 : 302, { Server: location, Location: location })
      res.end(JSON.stringify(answers[at++ % answers.length]?.(word)))
    })
    while (at < answers.length) {
      // `ask` rejects if a forged response to a probe requires credentials.
      const report = await ask(`${url}/{orderId}`, { auth: 'none', idleMs: 200 }).catch(() => undefined)
      const found = report?.findings.flatMap(({ evidence }) => evidence) ?? []
      for (const text of [...found, ...(report?.checks.map((check) => check.text) ?? [])])
        expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
    }
    at = 0
    const ran = await cli(['doctor', url, '--slow-upload', '0'])
    for (const line of `${ran.out}${ran.err}`.split('\n')) expect(line).not.toMatch(UNPRINTABLE)
  })
})
