"""The send rate beside two libraries on the same sink: a Flask-Mail loop on a kept connection, django-post_office with
two processes. Interleaved, medians; needs requirements-bench.txt.

The sink is bench/sink.py, because it shares the two cores with the senders and takes half of what postfix's smtp-sink
takes for a message; `--smtp-sink` measures with that one.
"""

import argparse
import os
import subprocess
import sys
import time
from contextlib import ExitStack

from flask import current_app
from flask_mail import Message

from app.extensions import mail
from bench import campaign as made
from bench import common
from bench.send_rate import PORT, campaign_rate
from jobs import runtime

RECIPIENTS, FLASK_MESSAGES, DJANGO_MESSAGES, ROUNDS = 60_000, 2000, 6000, 3
FLASK_BAR, DJANGO_BAR = 25, 12


def flask_mail_rate() -> float:
    """Messages a second of Flask-Mail, the message of the campaign without personalisation or tracking."""
    state = current_app.extensions["mail"]
    state.server, state.port = "127.0.0.1", PORT
    page = made.html()
    began = time.monotonic()
    with mail.connect() as connection:
        for number in range(FLASK_MESSAGES):
            connection.send(
                Message(
                    "News", [f"user{number}@example.org"], body=made.TEXT, html=page, sender="news@shop.example.com"
                )
            )
    return FLASK_MESSAGES / (time.monotonic() - began)


def post_office(environ: dict[str, str], step: str) -> float:
    """Run one step of bench.post_office in a process of its own; returns the figure it prints."""
    command = [sys.executable, "-m", "bench.post_office", step, str(DJANGO_MESSAGES)]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True, cwd=common.ROOT)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smtp-sink", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        house = stack.enter_context(common.house("peers"))
        runtime.use_app(house.app)
        stack.enter_context(common.smtp_sink(PORT) if options.smtp_sink else common.sink(PORT))
        account_id = made.add_account(PORT, 20)
        folder_id = made.add_contacts(RECIPIENTS, "everybody")
        for _ in range(2):
            stack.enter_context(common.worker(house.environ))
        stack.enter_context(common.scheduler(house.environ))
        environ = os.environ | {"POST_OFFICE_DATABASE": stack.enter_context(common.database("muster_bench_django"))}
        post_office(environ, "migrate")
        ours, flask, django = [], [], []
        for _ in range(ROUNDS):
            flask.append(flask_mail_rate())
            django.append(post_office(environ, "send"))
            ours.append(campaign_rate(made.add_campaign(account_id, folder_id), RECIPIENTS))
            print(f"Flask-Mail {flask[-1]:.0f}/s, post_office {django[-1]:.0f}/s, Muster {ours[-1]:,.0f}/s", flush=True)
        rate = common.median(ours)
        for name, theirs, bar in (("Flask-Mail", flask, FLASK_BAR), ("django-post_office", django, DJANGO_BAR)):
            ratio = rate / common.median(theirs)
            common.result(f"send beside {name}", rate, "messages/s", ratio, bar, ratio >= bar)


if __name__ == "__main__":
    main()
