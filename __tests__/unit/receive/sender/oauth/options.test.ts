/** Settings of OAuth: which are refused at creation, and the defaults. */
import { Agent } from 'node:https'
import { createAuthenticator, type AuthOption } from '../../../../../lib/receive/sender/authenticate'
import { resolveOAuth } from '../../../../../lib/receive/sender/oauth/options'
import { refusalOf } from '../../refusal'

const TENANT = '3f2b8c1e-7a54-4d09-b6e8-91c0d2a4f573'
const ENTRY = { tenantId: TENANT, audience: 'https://hooks.example.com' }
const ENTRA = { type: 'oauth', ...ENTRY }
const ADFS = {
  type: 'oauth',
  issuer: 'http://adfs.example.com/adfs/services/trust',
  jwksUri: 'https://adfs.example.com/adfs/discovery/keys',
  audience: 'https://hooks.example.com',
}

const refusal = (auth: unknown): string => refusalOf(() => createAuthenticator(auth as AuthOption))

const entra = (more: object) => ({ ...ENTRA, ...more })
const adfs = (more: object) => ({ ...ADFS, ...more })

describe('settings that are refused', () => {
  it.each([
    ['no audience', entra({ audience: undefined }), '`auth.audience` is missing; is its environment variable set?'],
    ['an empty audience', entra({ audience: '' }), '`auth.audience` is empty'],
    ['no audience in a list', entra({ audience: [] }), '`auth.audience` is an empty list'],
    ['a missing one among audiences', entra({ audience: ['a', undefined] }), '`auth.audience[1]` is missing'],
    ['an audience with a line break', entra({ audience: 'a\n' }), '`auth.audience` has white space'],
    ['a number as audience', entra({ audience: 1 }), '`auth.audience` is of type number, not a string'],
    ['the scope as audience', entra({ audience: 'https://x/.default' }), '`auth.audience` ends with /.default'],
    ['a scope among audiences', entra({ audience: ['a', 'b/.default'] }), '`auth.audience` ends with /.default'],
    [
      'no issuer at all',
      entra({ tenantId: undefined }),
      '`auth.tenantId` is missing; is its environment variable set?',
    ],
    [
      'a domain as tenant',
      entra({ tenantId: 'example.com' }),
      '`auth.tenantId` is "example.com"; it must be the tenant',
    ],
    ['all tenants', entra({ tenantId: 'common' }), '`auth.tenantId` is "common"'],
    ['a longer GUID', entra({ tenantId: `${TENANT}0` }), '`auth.tenantId` is'],
    ['something before a GUID', entra({ tenantId: `0${TENANT}` }), '`auth.tenantId` is'],
    ['a GUID without dashes', entra({ tenantId: TENANT.replaceAll('-', '') }), '`auth.tenantId` is'],
    ['an empty tenant', entra({ tenantId: '' }), '`auth.tenantId` is empty'],
    ['a null tenant', entra({ tenantId: null }), '`auth.tenantId` is missing'],
    ['a tenant and an issuer', entra({ issuer: 'x' }), '`auth.issuer` cannot be combined with `tenantId`'],
    ['a tenant and all else', entra(ADFS), '`auth.issuer` cannot be combined with `tenantId`'],
    ['an issuer without keys', adfs({ jwksUri: undefined }), '`auth.jwksUri` is missing'],
    ['keys without an issuer', adfs({ issuer: undefined }), '`auth.issuer` is missing'],
    ['an empty issuer', adfs({ issuer: '' }), '`auth.issuer` is empty'],
    ['no issuer in a list', adfs({ issuer: [] }), '`auth.issuer` is an empty list'],
    ['keys at no URL', adfs({ jwksUri: 'adfs.example.com/secret-1' }), '`auth.jwksUri` is not a URL'],
    ['keys over http', adfs({ jwksUri: 'http://adfs.example.com/keys' }), '`auth.jwksUri` must be https'],
    ['keys of a tenant over http', entra({ jwksUri: 'http://adfs.example.com/keys' }), '`auth.jwksUri` must be https'],
    ['keys in a file', adfs({ jwksUri: 'file:///etc/keys' }), '`auth.jwksUri` must be https'],
    ['keys in a file of this machine', adfs({ jwksUri: 'ftp://localhost/keys' }), '`auth.jwksUri` must be https'],
    [
      'a user in the URL',
      adfs({ jwksUri: 'https://secret-1@x.example/' }),
      '`auth.jwksUri` contains a user name or a password',
    ],
    [
      'a password in it',
      adfs({ jwksUri: 'https://:secret-1@x.example/' }),
      '`auth.jwksUri` contains a user name or a password',
    ],
    ['HS256', entra({ algorithms: ['RS256', 'HS256'] }), '`auth.algorithms` contains "HS256"; allowed: RS256, RS384,'],
    ['none', entra({ algorithms: ['none'] }), '`auth.algorithms` contains "none"'],
    ['another case', entra({ algorithms: ['rs256'] }), '`auth.algorithms` contains "rs256"'],
    ['encryption', entra({ algorithms: ['RSA-OAEP'] }), '`auth.algorithms` contains "RSA-OAEP"'],
    ['no algorithm', entra({ algorithms: [] }), '`auth.algorithms` is an empty list'],
    ['an algorithm alone', entra({ algorithms: 'RS256' }), '`auth.algorithms` is "RS256", not a list'],
    ['an application alone', entra({ clientIds: 'x' }), '`auth.clientIds` is "x", not a list'],
    ['no application', entra({ clientIds: [] }), '`auth.clientIds` is an empty list'],
    ['an application that is not set', entra({ clientIds: [undefined] }), '`auth.clientIds[0]` is missing'],
    ['a role alone', entra({ roles: 'x' }), '`auth.roles` is "x", not a list'],
    ['no role', entra({ roles: [] }), '`auth.roles` is an empty list'],
    ['an empty role', entra({ roles: ['a', ''] }), '`auth.roles[1]` is empty'],
    [
      'a negative tolerance',
      entra({ clockToleranceMs: -1 }),
      '`auth.clockToleranceMs` is -1; it must be a whole number',
    ],
    ['a large tolerance', entra({ clockToleranceMs: 300_001 }), '`auth.clockToleranceMs` is 300001'],
    ['a tolerance as text', entra({ clockToleranceMs: '60' }), '`auth.clockToleranceMs` is "60"'],
    [
      'a check that is no function',
      entra({ checkClaims: true }),
      '`auth.checkClaims` is of type boolean, not a function',
    ],
    ['an agent that is none', entra({ httpsAgent: {} }), '`auth.httpsAgent` is not an agent of node:https'],
    ['an unknown key', entra({ tenant: 'secret-1' }), '`auth` has the unknown key "tenant"'],
    ['a key of another type', entra({ token: 'secret-1' }), '`auth` has the unknown key "token"'],
    ['one of several', [ENTRA, adfs({ audience: '' })], '`auth[1].audience` is empty'],
  ])('%s', (_what, auth, expected) => {
    const message = refusal(auth)
    expect(message).toContain(`Option ${expected}`)
    expect(message).not.toContain('secret-1')
  })

  it('the other types have none of these keys', () => {
    expect(refusal({ type: 'bearer', token: 'x', audience: 'y' })).toContain('`auth` has the unknown key "audience"')
  })
})

describe('settings that are filled in', () => {
  it('for a tenant of Entra ID', () => {
    expect(resolveOAuth('auth', ENTRY)).toEqual({
      issuers: [`https://login.microsoftonline.com/${TENANT}/v2.0`, `https://sts.windows.net/${TENANT}/`],
      jwksUri: new URL(`https://login.microsoftonline.com/${TENANT}/discovery/v2.0/keys`),
      audiences: ['https://hooks.example.com'],
      clientIds: undefined,
      roles: [],
      algorithms: ['RS256'],
      clockToleranceMs: 60_000,
      checkClaims: undefined,
      httpsAgent: undefined,
    })
  })

  it('an app with its own keys says where they are', () => {
    const jwksUri = `https://login.microsoftonline.com/${TENANT}/discovery/keys?appid=x#y`
    const resolved = resolveOAuth('auth', { ...ENTRY, jwksUri })
    expect(resolved.jwksUri.href).toBe(`https://login.microsoftonline.com/${TENANT}/discovery/keys?appid=x`)
    expect(resolved.issuers).toHaveLength(2)
  })

  it('none where all is said', () => {
    const all = {
      issuer: ['a', 'b'],
      jwksUri: 'http://127.0.0.1:9/keys',
      audience: ['c', 'd'],
      clientIds: ['e'],
      roles: ['f'],
      algorithms: ['PS256', 'ES512'],
      clockToleranceMs: 300_000,
      checkClaims: () => true,
      httpsAgent: new Agent(),
    }
    const { issuer: issuers, audience: audiences, jwksUri, ...others } = all
    expect(resolveOAuth('auth', all)).toEqual({ ...others, issuers, audiences, jwksUri: new URL(jwksUri) })
  })

  it.each(['http://localhost/keys', 'http://127.0.0.1:8080/keys', 'http://[::1]/keys'])('keys at %s', (jwksUri) => {
    expect(refusal([{ ...ADFS, jwksUri }, { type: 'basic' }])).toContain('auth[1].username')
  })

  it('what is undefined counts as absent', () => {
    const absent = Object.fromEntries(
      ['issuer', 'jwksUri', 'clientIds', 'roles', 'algorithms', 'clockToleranceMs', 'checkClaims', 'httpsAgent'].map(
        (name) => [name, undefined],
      ),
    )
    expect(resolveOAuth('auth', { ...ENTRY, ...absent })).toEqual(resolveOAuth('auth', ENTRY))
    expect(resolveOAuth('auth', { ...ENTRY, clockToleranceMs: 0 }).clockToleranceMs).toBe(0)
  })
})
