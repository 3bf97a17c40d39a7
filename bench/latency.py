"""Messages a second and connection when every reply comes 20 ms late, beside smtplib on the same server."""

import smtplib
import time
from contextlib import ExitStack

from app.campaigns import service as campaigns
from app.kernel.db import transaction
from bench import campaign as made
from bench import common
from bench.send_rate import message_bytes
from jobs import runtime, sending

DELAY_SECONDS, CONNECTIONS, RECIPIENTS, SMTPLIB_MESSAGES, ROUNDS, PORT, BAR = 0.02, 20, 4000, 60, 5, 2528, 3.5


def smtplib_rate(size: int) -> float:
    """Messages a second of smtplib on one kept connection."""
    message = b"Subject: x\r\n\r\n" + (b"y" * 70 + b"\r\n") * (size // 72)
    with smtplib.SMTP("127.0.0.1", PORT) as client:
        client.ehlo()
        began = time.monotonic()
        for _ in range(SMTPLIB_MESSAGES):
            client.sendmail("news@shop.example.com", ["user@example.org"], message)
        return SMTPLIB_MESSAGES / (time.monotonic() - began)


def our_rate(account_id: int, folder_id: int) -> float:
    """Messages a second and connection of a campaign, the whole way from the ledger."""
    campaign_id = made.add_campaign(account_id, folder_id)
    with transaction():
        campaigns.publish(campaign_id, "bench")
    sending.settle_campaign(campaign_id)
    sending.look_at_campaigns()
    sent, began = 0, time.monotonic()
    while (some := sending.send_slice(campaign_id, 0, 0)) > 0:
        sent += some
    assert sent == RECIPIENTS, sent
    return sent / (time.monotonic() - began) / (CONNECTIONS // 4)  # one worker has one of the account's four lanes


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        house = stack.enter_context(common.house("latency"))
        runtime.use_app(house.app)
        stack.enter_context(common.sink(PORT, "--delay", str(DELAY_SECONDS)))
        account_id = made.add_account(PORT, CONNECTIONS)
        folder_id = made.add_contacts(RECIPIENTS, "everybody")
        size = message_bytes(made.add_campaign(account_id, folder_id))
        ours, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(smtplib_rate(size))
            ours.append(our_rate(account_id, folder_id))
            print(f"smtplib {theirs[-1]:.1f}/s, Muster {ours[-1]:.1f}/s a connection", flush=True)
        ratio = common.median(ours) / common.median(theirs)
        common.result("latency 20 ms", common.median(ours), "messages/s a connection", ratio, BAR, ratio >= BAR)


if __name__ == "__main__":
    main()
