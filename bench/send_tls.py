"""The send rate with STARTTLS beside the rate without, over the same sink (bench/sink.py), interleaved."""

from contextlib import ExitStack

import trustme

from app.channels.contract import Security
from bench import campaign as made
from bench import common
from bench.send_rate import campaign_rate
from jobs import runtime

RECIPIENTS, ROUNDS, PORT, CONNECTIONS, BAR = 50_000, 5, 2527, 20, 0.7


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        house = stack.enter_context(common.house("tls"))
        runtime.use_app(house.app)
        authority = trustme.CA()
        certificate, trusted = house.folder / "sink.pem", house.folder / "ca.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        authority.cert_pem.write_to_path(str(trusted))
        stack.enter_context(common.sink(PORT, "--certificate", str(certificate)))
        environ = house.environ | {"MUSTER_SMTP_CA_FILE": str(trusted)}
        accounts = [made.add_account(PORT, CONNECTIONS, security) for security in (Security.NONE, Security.STARTTLS)]
        folder_id = made.add_contacts(RECIPIENTS, "everybody")
        for _ in range(2):
            stack.enter_context(common.worker(environ))
        stack.enter_context(common.scheduler(environ))
        plain, tls = [], []
        for _ in range(ROUNDS):
            for rates, account_id in zip((plain, tls), accounts, strict=True):
                rates.append(campaign_rate(made.add_campaign(account_id, folder_id), RECIPIENTS))
            print(f"without {plain[-1]:,.0f}/s, with STARTTLS {tls[-1]:,.0f}/s", flush=True)
        ratio = common.median(tls) / common.median(plain)
        common.result("send with STARTTLS", common.median(tls), "messages/s", ratio, BAR, ratio >= BAR)


if __name__ == "__main__":
    main()
