/** nginx in front of an app, with a path prefix that the app does not know about. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../proxies/ports'
import { until } from '../wait'
import { atEnd } from './rig'

/** The setup from the docs of oauth2-proxy: another server authorises each request and returns the user's name. */
const asksFor = (authPort: number): string => `
      auth_request /oauth2/auth;
      auth_request_set $user $upstream_http_x_auth_request_user;
      proxy_set_header X-Forwarded-User $user;
    }
    location = /oauth2/auth {
      internal;
      proxy_pass http://127.0.0.1:${authPort};
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";`

/**
 * Resolves with the URL of the prefix, with a slash at the end. `authPort` is the port of the server that replaces
 * oauth2-proxy.
 */
export async function startNginx(appPort: number, prefix: string, authPort?: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'inspector-nginx-'))
  const port = await freePort()
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`)
  const config = `pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  ${paths.join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    location ${prefix}/ {
      proxy_pass http://127.0.0.1:${appPort}/;
      proxy_set_header Host $http_host;${authPort === undefined ? '' : asksFor(authPort)}
    }
  }
}
`
  writeFileSync(join(folder, 'nginx.conf'), config)
  const args = ['-e', `${folder}/error.log`, '-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;']
  const nginx = spawn('nginx', args, { stdio: 'ignore' })
  atEnd(() => {
    nginx.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await until(() => isOpen(port), 'nginx did not start')
  return `http://127.0.0.1:${port}${prefix}/`
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
