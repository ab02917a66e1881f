/** A peer: nginx with the module nchan (Debian's packages), one process, with a configuration and a directory of its own. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reservePort } from '../../test/support/redis/reserved-port.ts';
import { DATA, httpPost, httpRequest } from '../wire.ts';
import { listening } from './listening.ts';
import { measured, type Server, ServerProcess } from './server.ts';

const NGINX = '/usr/sbin/nginx';
const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** Why it can't be had, if so. */
export const noNchan =
  existsSync(NGINX) && existsSync(MODULE) ? undefined : 'not installed: nginx, libnginx-mod-nchan';

export async function startNchan(directory: string): Promise<Server> {
  const { port } = await reservePort();
  const prefix = join(directory, `nginx-${port}`);
  await mkdir(prefix, { recursive: true });
  await writeFile(join(prefix, 'nginx.conf'), configuration(port, prefix));
  const process = new ServerProcess(NGINX, ['-p', prefix, '-c', join(prefix, 'nginx.conf'), '-e', 'stderr']);
  await listening(port, process);
  return {
    port,
    publishPort: port,
    requests: [httpRequest('/events')],
    publications: [{ bytes: httpPost('/publish', DATA, { 'content-type': 'text/plain' }) }],
    ...measured(process),
  };
}

const configuration = (port: number, prefix: string): string => `
load_module ${MODULE};
daemon off;
master_process off;
pid ${prefix}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 65536;
events { worker_connections 40000; use epoll; }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_requests 100000000;
  client_body_temp_path ${prefix}; proxy_temp_path ${prefix}; fastcgi_temp_path ${prefix};
  uwsgi_temp_path ${prefix}; scgi_temp_path ${prefix};
  nchan_shared_memory_size 256m;
  server {
    listen 127.0.0.1:${port} backlog=8192;
    location = /events {
      nchan_subscriber eventsource;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
      nchan_eventsource_ping_interval 0;
    }
    location = /publish { nchan_publisher; nchan_channel_id bench; nchan_message_buffer_length 100; }
  }
}
`;
