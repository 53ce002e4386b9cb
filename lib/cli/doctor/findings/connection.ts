/** Findings about the host, the port and the certificate. */
import type { Finding } from './finding'

const NOTHING_ARRIVES = 'No event arrives.'
const FULL_CHAIN = 'the certificate followed by its intermediate certificates (fullchain.pem)'
const RENEW = 'renew the certificate, for example with certbot renew, and check its timer; then'
const RENEWALS = {
  nginx: `${RENEW} nginx -s reload`,
  Apache: `${RENEW} apachectl graceful`,
  HAProxy: `${RENEW} write it with its key into the crt file, and reload`,
}

export const CONNECTION = {
  unknown_host: {
    title: 'The host name is unknown',
    effect: NOTHING_ARRIVES,
    remedies: {
      app: 'add a DNS record for the host (A or AAAA), or correct the URL',
      nginx: 'server_name does not create the name: it needs a DNS record',
      Apache: 'ServerName does not create the name: it needs a DNS record',
      HAProxy: 'no setting: the name needs a DNS record',
    },
  },
  unreachable: {
    title: 'No connection can be made',
    effect: NOTHING_ARRIVES,
    remedies: {
      nginx: 'listen 443 ssl; and open the port in the firewall',
      Apache: 'Listen 443, and open the port in the firewall',
      HAProxy: 'bind :443 ssl crt FILE, and open the port in the firewall',
      Caddy: 'your-host.example:443 { … }, and open the port in the firewall',
      app: 'start the app, and let it listen on this port',
    },
  },
  no_answer: {
    title: 'There is no answer',
    effect: NOTHING_ARRIVES,
    remedies: {
      nginx: 'proxy_pass to the address at which the app listens; proxy_connect_timeout 5s;',
      Apache: 'ProxyPass to the address at which the app listens, with connectiontimeout=5',
      HAProxy: 'server app 127.0.0.1:3000, the address at which the app listens; timeout connect 5s',
      Caddy: 'reverse_proxy to the address at which the app listens; dial_timeout 5s',
      app: 'check that it is running, and that no middleware before the webhook leaves the request hanging',
    },
  },
  closed: {
    title: 'The connection is closed without an answer',
    effect: 'Tradecloud does not document what it does then.',
    remedies: {
      nginx: 'remove return 444; and check that proxy_pass leads to the app',
      Apache: 'check the error log, and that ProxyPass leads to the app',
      HAProxy: 'check that the backend leads to the app, and remove http-request reject and silent-drop',
      Caddy: 'check that reverse_proxy leads to the app, and remove abort',
    },
  },
  tls_failed: {
    title: 'TLS cannot be set up',
    effect: NOTHING_ARRIVES,
    remedies: {
      nginx: 'listen 443 ssl; ssl_protocols TLSv1.2 TLSv1.3;',
      Apache: 'SSLEngine on, and SSLProtocol -all +TLSv1.2 +TLSv1.3',
      HAProxy: 'bind :443 ssl crt FILE, and ssl-default-bind-options ssl-min-ver TLSv1.2',
      Caddy: 'serve the host with https, and protocols tls1.2 tls1.3',
    },
  },
  certificate_expired: {
    title: 'The certificate has expired',
    effect: NOTHING_ARRIVES,
    remedies: {
      ...RENEWALS,
      Caddy: 'remove the line tls, so that Caddy renews it itself, or renew the files and reload',
    },
  },
  certificate_not_yet_valid: {
    title: 'The certificate is not valid yet',
    effect: NOTHING_ARRIVES,
    remedies: {
      nginx: 'use the certificate that is valid now, and check the clock of the machine; nginx -s reload',
      Apache: 'use the certificate that is valid now, and check the clock of the machine; apachectl graceful',
      HAProxy: 'use the certificate that is valid now, and check the clock of the machine; reload',
      Caddy: 'check the clock of the machine',
    },
  },
  certificate_ends_soon: {
    title: 'The certificate expires soon',
    effect: 'No event arrives from then on.',
    remedies: {
      ...RENEWALS,
      Caddy: 'look for failed renewals in its log: ports 80 or 443 must be reachable from outside',
    },
  },
  certificate_name: {
    title: 'The certificate is for another host name',
    effect: NOTHING_ARRIVES,
    remedies: {
      nginx: 'server_name with this host, and ssl_certificate with a certificate for it, in the same server',
      Apache: 'ServerName with this host, and SSLCertificateFile with a certificate for it, in the same VirtualHost',
      HAProxy: 'add a certificate for this host to crt (a folder may contain several)',
      Caddy: 'use this host name as the address of the site',
    },
  },
  certificate_chain: {
    title: 'The certificate is not trusted',
    effect: 'Tradecloud requires a certificate from a recognised authority. No event arrives.',
    remedies: {
      nginx: `ssl_certificate must contain ${FULL_CHAIN}`,
      Apache: `SSLCertificateFile must contain ${FULL_CHAIN}`,
      HAProxy: `the crt file must contain ${FULL_CHAIN}, and the key`,
      Caddy: `remove tls internal; the first file of tls must contain ${FULL_CHAIN}`,
    },
  },
  not_https: {
    title: 'The connection is not encrypted',
    effect: 'Passwords and orders can be read in transit. No credentials were sent, and nothing more was checked.',
    remedies: {
      nginx: 'listen 443 ssl; with ssl_certificate and ssl_certificate_key',
      Apache: 'SSLEngine on, with SSLCertificateFile and SSLCertificateKeyFile',
      HAProxy: 'bind :443 ssl crt FILE',
      Caddy: 'use the host name without http:// as the address of the site',
    },
  },
} satisfies Record<string, Finding>
