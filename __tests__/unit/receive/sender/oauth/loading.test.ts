/** jose is loaded with the first token, so that users without OAuth do not have to load it. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AUDIENCE, ISSUER, makeKey, setUp, sign } from './issuer'

const root = join(__dirname, '../../../../..')
const key = makeKey('first')
const context = setUp()

const script = `
  const { createTradecloudWebhook } = require('./lib')
  const { createAuthenticator } = require('./lib/receive/sender/authenticate')
  const loaded = () => Object.keys(require.cache).some((file) => /[\\\\/]node_modules[\\\\/]jose[\\\\/]/.test(file))
  const [auth, token] = JSON.parse(process.argv[1])
  const steps = [loaded()]
  const onOrder = () => undefined
  createTradecloudWebhook({ auth: { type: 'basic', username: 'a', password: 'b' }, onOrder })
  createTradecloudWebhook({ auth, onOrder })
  steps.push(loaded())
  const check = (text) => createAuthenticator(auth).check({ headers: { authorization: 'Bearer ' + text } })
  check('no-token')
    .then(() => steps.push(loaded()))
    .then(() => check(token))
    .then((verdict) => console.log(JSON.stringify([...steps, verdict, loaded()])))
`

test('not by importing, not by creating, not by what is no token', async () => {
  context.server.keys = [key.publicJwk]
  const auth = { type: 'oauth', issuer: ISSUER, jwksUri: context.server.uri, audience: AUDIENCE }
  const input = JSON.stringify([auth, await sign(key)])
  const run = promisify(execFile)
  const options = { cwd: root, timeout: 30_000 }
  const { stdout } = await run(process.execPath, ['--require', 'tsx/cjs', '--eval', script, input], options)
  expect(JSON.parse(stdout)).toEqual([false, false, false, true, true])
})
