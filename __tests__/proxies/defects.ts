/**
 * Configurations that lose events. Each is a list of changes to a file in examples/proxies, with the findings that
 * `doctor` must report.
 */
import type { ProxyName, Replacement } from './proxies'

export interface Defect {
  proxy: ProxyName
  replacements: Replacement[]
  path?: string
  slowUploadMs?: number
  codes: string[]
  /** Matches the evidence of the first finding. */
  evidence: RegExp
  /** Matches the remedy for this proxy. */
  remedy: RegExp
}

const nginx = (replacements: Replacement[], codes: string[], evidence: RegExp, remedy: RegExp): Defect => ({
  ...{ proxy: 'nginx', replacements, codes, evidence, remedy },
})
/** Removes what the example adds to nginx's defaults. */
const DEFAULTS: Replacement[] = [
  ['client_max_body_size 128m;', ''],
  ['large_client_header_buffers 4 16k;', ''],
  ['proxy_http_version 1.1;', ''],
  ['proxy_request_buffering off;', ''],
  ['error_page 400 404 408 413 414 494 497 500 =503 /.later;', ''],
]
const inLocation = (text: string): Replacement => ['location / {', `location / { ${text}`]

export const DEFECTS: Record<string, Defect> = {
  'nginx with its defaults': nginx(DEFAULTS, ['body_limit'], /^1\.1 MB: 413 by nginx/, /client_max_body_size 128m;/),
  'a body limit with error_page': nginx(
    [['client_max_body_size 128m;', 'client_max_body_size 1m;']],
    ['body_limit'],
    /^1\.1 MB: 503 by nginx/,
    /client_max_body_size 128m;/,
  ),
  'a redirect': nginx(
    [inLocation('return 301 https://$host/elsewhere$request_uri;')],
    ['redirect'],
    /301 to https:\/\/your-host\.example\/elsewhere\/tradecloud\/order by nginx/,
    /remove return 301/,
  ),
  'stripped authorization': nginx(
    [inLocation('proxy_set_header Authorization "";')],
    ['authorization_removed'],
    /401 unauthorized by the webhook: The request has no Authorization header/,
    /proxy_set_header Authorization/,
  ),
  'the proxy asks for credentials itself': nginx(
    [inLocation('auth_basic "Staff"; auth_basic_user_file /dev/null;')],
    ['credentials_elsewhere'],
    /401 by nginx/,
    /auth_basic off;/,
  ),
  'its own page instead of a refusal': nginx(
    [inLocation('proxy_intercept_errors on; error_page 401 /.refused;')],
    ['refusal_replaced'],
    /401 by .*nginx/,
    /proxy_intercept_errors off;/,
  ),
  'proxy_pass with a path, which removes the prefix': nginx(
    [
      ['location / {', 'location /tradecloud/ {'],
      ['proxy_pass http://127.0.0.1:3000;', 'proxy_pass http://127.0.0.1:APP/;\n# http://127.0.0.1:3000;'],
    ],
    ['not_found'],
    /404 by Express/,
    /proxy_pass .* without a path/,
  ),
  'proxy_pass with a path, which changes the URL': nginx(
    [['proxy_pass http://127.0.0.1:3000;', 'proxy_pass http://127.0.0.1:APP/tradecloud/;\n# http://127.0.0.1:3000;']],
    ['path_unmatched'],
    /arrives as \/tradecloud\/tradecloud\/order/,
    /proxy_pass .* without a path/,
  ),
  'merged slashes': nginx(
    [['proxy_pass http://127.0.0.1:3000;', 'proxy_pass http://127.0.0.1:APP/;\n# http://127.0.0.1:3000;']],
    ['ids'],
    /^A\/\/B in the path: arrives as A\/B$/,
    /merge_slashes off;/,
  ),
  'no PUT and no GET': nginx(
    [inLocation('limit_except POST { deny all; }')],
    ['blocked'],
    /GET \/tradecloud\/order: 403 by nginx/,
    /check deny/,
  ),
  'removed headers': nginx(
    [inLocation('proxy_set_header Content-Type "";')],
    ['headers_removed'],
    /^content-type$/,
    /proxy_pass_request_headers on;/,
  ),
  'headers of 4 kB': nginx(
    [
      ['large_client_header_buffers 4 16k;', 'large_client_header_buffers 4 4k;'],
      ['error_page 400 404 408 413 414 494', 'error_page 404'],
    ],
    ['long_header'],
    /a header of 6 kB: 400 by nginx/,
    /large_client_header_buffers 4 16k;/,
  ),
  'the address of something else': nginx(
    [inLocation('return 200 "ok";')],
    ['swallowed'],
    /POST \/tradecloud\/order: 200 by nginx/,
    /server_name with this host/,
  ),
  'no app behind it': nginx(
    [['proxy_pass http://127.0.0.1:3000;', 'proxy_pass http://127.0.0.1:1;\n# http://127.0.0.1:3000;']],
    ['app_away'],
    /502 by nginx/,
    /proxy_pass with the address/,
  ),
  'a slow upload, cut off by Apache': {
    ...{
      proxy: 'apache',
      replacements: [['minrate=500 body=0', 'minrate=500 body=1,minrate=500']],
      slowUploadMs: 6_000,
    },
    ...{
      codes: ['slow_upload'],
      evidence: /^after .* s: .*/,
      remedy: /RequestReadTimeout header=20-40,minrate=500 body=0/,
    },
  },
  'a slow upload, cut off by HAProxy': {
    proxy: 'haproxy',
    replacements: [['timeout http-request 30s', 'timeout http-request 1s\n  option http-buffer-request']],
    slowUploadMs: 6_000,
    ...{ codes: ['slow_upload'], evidence: /^after .* s: .*/, remedy: /no option http-buffer-request/ },
  },
  'a slow upload, cut off by nginx': {
    ...{ proxy: 'nginx', replacements: [inLocation('client_body_timeout 500ms;')], slowUploadMs: 6_000 },
    ...{ codes: ['slow_upload'], evidence: /^after .* s: .*/, remedy: /client_body_timeout 60s;/ },
  },
  'Apache with its defaults for IDs': {
    ...{
      proxy: 'apache',
      replacements: [
        ['AllowEncodedSlashes NoDecode', ''],
        ['/ nocanon retry=0', '/ retry=0'],
      ],
    },
    ...{ codes: ['ids'], evidence: /^A%2FB in the path: 503|404/, remedy: /AllowEncodedSlashes NoDecode/ },
  },
  'a body limit of Apache': {
    proxy: 'apache',
    replacements: [['LimitRequestBody 0', '<If "%{HTTP:Content-Length} -gt 1000000">\nRequire all denied\n</If>']],
    ...{ codes: ['body_limit'], evidence: /^1\.1 MB: 403 by Apache/, remedy: /Content-Length/ },
  },
  'a slow upload, cut off by Caddy': {
    proxy: 'caddy',
    replacements: [['write_timeout 270s', 'write_timeout 1s']],
    slowUploadMs: 6_000,
    ...{ codes: ['slow_upload'], evidence: /^after .* s: 504 by Caddy/, remedy: /write_timeout 270s/ },
  },
  'a body limit of Caddy': {
    ...{
      proxy: 'caddy',
      replacements: [['\treverse_proxy', '\trequest_body {\n\t\tmax_size 1MB\n\t}\n\treverse_proxy']],
    },
    ...{ codes: ['body_limit'], evidence: /^1\.1 MB: /, remedy: /max_size/ },
  },
  'a deny rule of HAProxy': {
    ...{
      proxy: 'haproxy',
      replacements: [['  option forwardfor', '  http-request deny if METH_GET\n  option forwardfor']],
    },
    ...{ codes: ['blocked'], evidence: /GET \/tradecloud\/order: 403/, remedy: /http-request deny/ },
  },
}
