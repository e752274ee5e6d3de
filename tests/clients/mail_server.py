"""A mail server: aiosmtpd, which writes every mail that it takes into a folder as JSON.

Usage: mail_server.py PORT FOLDER [CERTIFICATE KEY]. With a certificate it takes mail after STARTTLS only. While the folder
has a file `hold`, a mail is written but not acknowledged: the sender waits for its 250 in vain. Nobody has a mailbox whose
name begins with `refused`.
"""

import asyncio
import email
import email.policy
import json
import os
import ssl
import sys
from pathlib import Path

from aiosmtpd.controller import Controller

FOLDER = Path(sys.argv[2])


def part(message, kind):
    body = message.get_body(preferencelist=(kind,))
    return body.get_content() if body else ""


class Handler:
    """Keeps mails."""

    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        mail = {
            "to": envelope.rcpt_tos,
            "from": envelope.mail_from,
            "subject": message["Subject"],
            "message_id": message["Message-ID"],
            "text": part(message, "plain"),
            "html": part(message, "html"),
            "headers": [name for name, _ in message.items()],
            "tls": session.ssl is not None,
        }
        Handler.count += 1
        name = f"{os.getpid():08}-{Handler.count:06}"
        written = FOLDER / f"{name}.part"
        written.write_text(json.dumps(mail), encoding="utf-8")
        written.rename(FOLDER / f"{name}.json")
        while (FOLDER / "hold").exists():
            await asyncio.sleep(0.05)
        return "250 taken"


def main():
    context = None
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
    controller = Controller(
        Handler(),
        hostname="127.0.0.1",
        port=int(sys.argv[1]),
        tls_context=context,
        require_starttls=context is not None,
        data_size_limit=1 << 20,
    )
    controller.start()
    asyncio.new_event_loop().run_forever()


main()
