"""A real SMTP server for tests: aiosmtpd, with the faults that mail must survive.

    server.py --dir DIR [--mode MODE] [--starttls CERT KEY | --tls CERT KEY] [--auth USER:PASS] [--smtputf8]

Listens on 127.0.0.1, prints `port N`, and ends when its standard input is closed.

A message that it accepts becomes `0001.eml` (the bytes that came), `0001.envelope` (`MAIL FROM`, then each `RCPT TO`,
a line each), and, as Python's own parser reads them, `0001.headers` (`Name: value`, decoded and unfolded) and
`0001.body`. The .eml comes last, so that whoever sees it sees all.

Modes:
    accept    takes everything
    reject    550 at RCPT
    tempfail  451 at RCPT
    greylist  451 at RCPT the first time for each recipient
    hang      reads the content and never answers
    drop      closes the connection at RCPT
"""

import argparse
import asyncio
import email
import email.policy
import logging
import os
import ssl
import sys
import warnings

try:
    from aiosmtpd.smtp import SMTP, AuthResult
except ImportError:
    sys.exit("aiosmtpd is missing: apt-get install python3-aiosmtpd openssl")

# It would warn of logins without TLS.
warnings.simplefilter("ignore")
logging.getLogger("mail").setLevel(logging.CRITICAL)

MODES = ["accept", "reject", "tempfail", "greylist", "hang", "drop"]


class Handler:
    def __init__(self, folder, mode):
        self.folder = folder
        self.mode = mode
        self.seen = set()
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        # The answers repeat the address, as those of real servers do.
        if self.mode == "reject":
            return f"550 5.1.1 <{address}>: no such user here"
        if self.mode == "tempfail" or (self.mode == "greylist" and address not in self.seen):
            self.seen.add(address)
            return f"451 4.7.1 <{address}>: try again later"
        if self.mode == "drop":
            server.transport.abort()
            return "421 4.3.2 closing"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.mode == "hang":
            await asyncio.Event().wait()
        self.count += 1
        self.write(f"{self.count:04}", envelope)
        return "250 2.0.0 taken over"

    def write(self, name, envelope):
        content = envelope.original_content
        message = email.message_from_bytes(content, policy=email.policy.SMTPUTF8)
        headers = "".join(f"{key}: {value}\n" for key, value in message.items())
        files = {
            "envelope": "\n".join([envelope.mail_from, *envelope.rcpt_tos]).encode(),
            "headers": headers.encode(),
            "body": message.get_content().replace("\r\n", "\n").rstrip("\n").encode(),
            "eml": content,
        }
        for extension, data in files.items():
            path = os.path.join(self.folder, f"{name}.{extension}")
            with open(path + ".part", "wb") as file:
                file.write(data)
            os.rename(path + ".part", path)


def context(files):
    if not files:
        return None
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    result.load_cert_chain(*files)
    return result


async def serve(options):
    wanted = options.auth.split(":", 1) if options.auth else None

    def authenticator(server, session, envelope, mechanism, data):
        given = [data.login.decode(), data.password.decode()]
        return AuthResult(success=given == wanted, handled=False)

    handler = Handler(options.dir, options.mode)
    starttls = context(options.starttls)
    loop = asyncio.get_running_loop()

    def session():
        return SMTP(
            handler,
            hostname="relay.test",
            enable_SMTPUTF8=options.smtputf8,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=wanted is not None,
            auth_require_tls=starttls is not None,
            authenticator=authenticator,
            loop=loop,
        )

    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context(options.tls))
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    # Conversations that hang would keep the loop from ending.
    os._exit(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    parser.add_argument("--mode", choices=MODES, default="accept")
    parser.add_argument("--starttls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--auth", metavar="USER:PASS")
    parser.add_argument("--smtputf8", action="store_true")
    asyncio.run(serve(parser.parse_args()))


main()
