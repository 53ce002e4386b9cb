/** Findings about how requests arrive at the webhook, and how they are answered. */
import type { Finding } from './finding'

const GIVES_UP = 'Tradecloud gives up on such an event: it is lost.'

const PASS_URL = {
  nginx: 'proxy_pass http://127.0.0.1:3000; without a path behind the port, so that the URL is passed on as it came',
  Apache: 'AllowEncodedSlashes NoDecode, and ProxyPass / http://127.0.0.1:3000/ nocanon',
  HAProxy: 'remove http-request set-path, replace-path and normalize-uri',
  Caddy: 'use handle instead of handle_path, and remove uri and rewrite',
}

export const REQUESTS = {
  redirect: {
    title: 'Requests are redirected',
    effect: 'Tradecloud does not document that it follows redirects.',
    remedies: {
      nginx: 'remove return 301, return 302 and rewrite … redirect for this location',
      Apache: 'remove Redirect and RewriteRule … [R] for this path; DirectorySlash Off',
      HAProxy: 'remove http-request redirect for this path',
      Caddy: 'remove redir; auto_https disable_redirects',
      app: 'use the final URL, with https, in the portal',
    },
  },
  authorization_removed: {
    title: 'The Authorization header does not get through',
    effect: GIVES_UP,
    remedies: {
      nginx: 'remove proxy_set_header Authorization ""; and set proxy_pass_request_headers on;',
      Apache: 'remove RequestHeader unset Authorization',
      HAProxy: 'remove http-request del-header authorization',
      Caddy: 'remove header_up -Authorization',
    },
  },
  credentials_refused: {
    title: 'The webhook refuses these credentials',
    effect: 'If Tradecloud uses them too, every event is lost. Nothing more was checked.',
    remedies: {
      app: 'compare the option auth with --basic, WEBHOOK_PASSWORD and WEBHOOK_TOKEN, and with the portal',
      nginx: 'check that no proxy_set_header Authorization replaces the header',
      Apache: 'check that no RequestHeader set Authorization replaces the header',
      HAProxy: 'check that no http-request set-header authorization replaces the header',
      Caddy: 'check that no header_up Authorization replaces the header',
    },
  },
  credentials_elsewhere: {
    title: 'Something in front of the webhook asks for credentials',
    effect: GIVES_UP,
    remedies: {
      nginx: 'auth_basic off; auth_request off;',
      Apache: 'Require all granted, and no AuthType for this path',
      HAProxy: 'remove http-request auth for this path',
      Caddy: 'remove basicauth and forward_auth for this path',
    },
  },
  blocked: {
    title: 'Something in front of the webhook refuses the request',
    effect: GIVES_UP,
    remedies: {
      nginx: 'check deny, allow and the rules of a firewall such as ModSecurity',
      Apache: 'Require all granted; check the rules of ModSecurity',
      HAProxy: 'check http-request deny and tcp-request connection reject',
      Caddy: 'check respond and the matchers before reverse_proxy',
    },
  },
  not_found: {
    title: 'The path does not lead to the webhook',
    effect: GIVES_UP,
    remedies: {
      ...PASS_URL,
      app: 'mount the webhook with app.use at this path, before other routes',
    },
  },
  path_unmatched: {
    title: 'The path that arrives matches no pattern of the webhook',
    effect: 'The webhook answers 503 not_routed to each event, and Tradecloud repeats it in vain.',
    remedies: { ...PASS_URL, app: 'mount the webhook with app.use at this path, or set the option paths' },
  },
  method_blocked: {
    title: 'A method does not get through',
    effect: GIVES_UP,
    remedies: {
      nginx: 'remove limit_except and if ($request_method …)',
      Apache: 'remove Limit, LimitExcept and Require method',
      HAProxy: 'remove http-request deny with METH_POST, METH_GET or method',
      Caddy: 'remove method from the matchers before reverse_proxy',
    },
  },
  swallowed: {
    title: 'Something else reports success',
    effect: 'Tradecloud considers each event delivered: all of them are lost.',
    remedies: {
      nginx: 'server_name with this host, and proxy_pass to the app in this location',
      Apache: 'ServerName with this host, and ProxyPass to the app for this path',
      HAProxy: 'default_backend, or use_backend for this path, with the app',
      Caddy: 'use this host name as the address of the site; for other names respond 503',
      app: 'mount the webhook before routes that answer any path',
    },
  },
  server_error: {
    title: 'Something in front of the webhook answers 500',
    effect: GIVES_UP,
    remedies: {
      nginx: 'error_page 500 =503 /.later; and see its error log',
      Apache: 'ErrorDocument 500 /later.asis, and see its error log',
      HAProxy: 'errorfile 500 /etc/haproxy/errors/503.http',
      Caddy: 'handle_errors with respond 503',
      app: 'mount the webhook before middleware that may fail',
    },
  },
  app_away: {
    title: 'The proxy cannot reach the app',
    effect: 'Tradecloud repeats each event until it does.',
    remedies: {
      nginx: 'proxy_pass with the address and the port at which the app listens',
      Apache: 'ProxyPass with the address and the port at which the app listens, and retry=0',
      HAProxy: 'server with the address and the port at which the app listens',
      Caddy: 'reverse_proxy with the address and the port at which the app listens',
      app: 'start the app',
    },
  },
  unavailable: {
    title: 'The webhook accepts no events at the moment',
    effect: 'Tradecloud repeats each event until it does.',
    remedies: {
      app: 'see its log: it is overloaded or shutting down, or its inbox or key server is unavailable',
    },
  },
  address: {
    title: 'The webhook does not accept events from the address of this machine',
    effect: 'This is correct if only Tradecloud may send events. Nothing more was checked.',
    remedies: {
      app: "add this machine to the option allow, and set Express's trust proxy to the number of proxies",
      nginx: 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
      Apache: 'ProxyAddHeaders On',
      HAProxy: 'option forwardfor',
    },
  },
  probe_unknown: {
    title: 'The webhook answers, but does not recognise probes',
    effect: 'Nothing more was checked.',
    remedies: {
      app: 'update tradecloud-webhook',
      nginx: 'proxy_pass_request_headers on; the header Tradecloud-Webhook-Probe has to get through',
      Apache: 'remove RequestHeader unset for Tradecloud-Webhook-Probe',
      HAProxy: 'remove http-request del-header for tradecloud-webhook-probe',
      Caddy: 'remove header_up -Tradecloud-Webhook-Probe',
    },
  },
  not_webhook: {
    title: 'What answers is not the webhook',
    effect: 'Nothing more was checked.',
    remedies: {
      nginx: 'server_name with this host, and proxy_pass to the app in this location',
      Apache: 'ServerName with this host, and ProxyPass to the app for this path',
      HAProxy: 'default_backend, or use_backend for this path, with the app',
      Caddy: 'use this host name as the address of the site, with reverse_proxy to the app',
      app: 'mount the webhook before other routes',
    },
  },
  accepts_anyone: {
    title: 'Wrong credentials are accepted',
    effect: 'Anyone can send events.',
    remedies: {
      app: "set the option auth to credentials: it is 'none', or a function that accepts too much",
      nginx: 'check that no proxy_set_header Authorization sets the right ones',
      Apache: 'check that no RequestHeader set Authorization sets the right ones',
      HAProxy: 'check that no http-request set-header authorization sets the right ones',
      Caddy: 'check that no header_up Authorization sets the right ones',
    },
  },
  refusal_replaced: {
    title: 'Wrong credentials are answered by something other than the webhook',
    effect: 'The other check hides the responses of the webhook, and may refuse valid credentials.',
    remedies: {
      nginx: 'proxy_intercept_errors off; auth_basic off;',
      Apache: 'ProxyErrorOverride Off, and no AuthType for this path',
      HAProxy: 'remove http-response return, http-error and http-request auth for this path',
      Caddy: 'remove handle_response and basicauth for this path',
    },
  },
  headers_removed: {
    title: 'Headers do not get through',
    effect: 'The webhook cannot tell what was sent.',
    remedies: {
      nginx: 'proxy_pass_request_headers on; and remove proxy_set_header for them',
      Apache: 'remove RequestHeader unset for them',
      HAProxy: 'remove http-request del-header for them',
      Caddy: 'remove header_up for them',
    },
  },
  long_header: {
    title: 'A header of 6 kB does not get through',
    effect: 'An access token of Microsoft OAuth can be this long. Tradecloud gives up on such an event.',
    remedies: {
      nginx: 'large_client_header_buffers 4 16k;',
      Apache: 'LimitRequestFieldSize 16380',
      HAProxy: 'tune.bufsize 32768',
      Caddy: 'max_header_size 1MB in servers',
      app: 'createServer({ maxHeaderSize: 128 * 1024 })',
    },
  },
  ids: {
    title: 'An ID in the URL does not arrive as it was sent',
    effect: 'A GET trigger for such an order or shipment is refused, or fetches another one. POST is not affected.',
    remedies: { ...PASS_URL, nginx: `${PASS_URL.nginx}; merge_slashes off;` },
  },
  body_limit: {
    title: 'A large body does not get through',
    effect: GIVES_UP,
    remedies: {
      nginx: 'client_max_body_size 128m;',
      Apache: 'remove conditions on Content-Length: Apache itself has no limit for what it passes on',
      HAProxy: 'remove http-request deny with req.body_size or content-length: HAProxy itself has no limit',
      Caddy: 'remove max_size of request_body, or set it to 128MB',
      app: 'mount the webhook before express.json(), which refuses more than 100 kB',
    },
  },
  body_option: {
    title: 'The option bodyLimit of the webhook is smaller than the largest order',
    effect: GIVES_UP,
    remedies: {
      app: 'remove the option bodyLimit: its default is above the largest order, 64 MiB and for tXML 128 MiB',
    },
  },
  body_read: {
    title: 'The app reads the body before the webhook does',
    effect:
      'Bodies that the parser of the app refuses, such as those above 100 kB, are lost: they are answered 400, 413 or 500.',
    remedies: {
      app: 'mount the webhook before express.json() and whatever else reads bodies',
    },
  },
  slow_upload: {
    title: 'A slow upload is cut off',
    effect: 'A large order does not arrive over a slow connection.',
    remedies: {
      nginx: 'client_body_timeout 60s; proxy_request_buffering off;',
      Apache: 'RequestReadTimeout header=20-40,minrate=500 body=0',
      HAProxy: 'timeout client 60s, and no option http-buffer-request',
      Caddy: 'read_body 270s in timeouts, and write_timeout 270s in transport',
      app: 'keep server.requestTimeout at its default of 300 s',
    },
  },
} satisfies Record<string, Finding>
