/**
 * Texts that a page must display without harm: scripts and markup that would call `pwned` or change the page, control
 * characters, names of built-in properties, and long words.
 */
export const hostileTexts: readonly string[] = [
  '<script>pwned()</script>',
  '"><img src=x onerror=pwned()>',
  "' onfocus=pwned() autofocus='",
  '" onmouseover="pwned()" style="position:fixed;inset:0" x="',
  '</title><script>pwned()</script>',
  '</svg></details></textarea></pre><svg onload=pwned()>',
  '<iframe srcdoc="<script>parent.pwned()</script>">',
  '<meta http-equiv="refresh" content="0;url=javascript:pwned()">',
  '<base href="https://evil.example/">',
  '<form action="https://evil.example/"><button autofocus>',
  '<style>@import "https://evil.example/";</style>',
  'javascript:pwned()',
  '{{constructor.constructor("pwned()")()}}${pwned()}',
  '&lt;script&gt;pwned()&lt;/script&gt;&#60;b&#62;',
  '<!-- ', //
  ']]><script>pwned()</script>',
  '\u202eevil\u2066\u202d',
  'PO\u200b-1\ufeff\u00ad\u2060',
  '\u0001\u0007\u001b[31m\u001b]0;pwned\u0007\u009b',
  'a\r\nSet-Cookie: pwned=1\r\n\r\n<script>pwned()</script>',
  '../../../../etc/passwd%00.json',
  '%3Cscript%3Epwned()%3C/script%3E',
  '\ud800 lone \udfff',
  'constructor',
  '__proto__',
  'x'.repeat(5_000),
  'ﷺ'.repeat(300),
]
