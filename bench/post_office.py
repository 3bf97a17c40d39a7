"""django-post_office with two processes, as a peer: `migrate` makes its tables, `send N` queues and sends N e-mails.

Prints the messages a second of sending alone; queueing is not counted, though ours counts claims and records.
"""

import os
import sys
import time
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command

from bench import campaign as made
from bench.send_rate import PORT

QUEUED_AT_ONCE = 500  # one INSERT; all at once are more than the server takes in a packet


def configure() -> None:
    """Settings as its documentation advises for sending in bulk."""
    url = urlsplit(os.environ["POST_OFFICE_DATABASE"])
    settings.configure(
        SECRET_KEY="measured",
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.mysql",
                "HOST": url.hostname,
                "PORT": url.port or 3306,
                "USER": url.username,
                "PASSWORD": url.password or "",
                "NAME": url.path.lstrip("/"),
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        EMAIL_BACKEND="post_office.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=PORT,
        POST_OFFICE={
            "BATCH_SIZE": 5000,
            "THREADS_PER_PROCESS": 5,
            "LOG_LEVEL": 0,
            "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
        },
    )
    django.setup()


def send(count: int) -> float:
    """Queue and send; returns messages a second of the sending."""
    from post_office import mail
    from post_office.models import Email

    page = made.html().replace("{{ attributes.order_no }}", "{{ order_no }}")
    text = made.TEXT.replace("{{ attributes.order_no }}", "{{ order_no }}")
    for first in range(0, count, QUEUED_AT_ONCE):
        mail.send_many(
            [
                {
                    "sender": "news@shop.example.com",
                    "recipients": [f"user{number}@example.org"],
                    "subject": made.SUBJECT,
                    "message": text,
                    "html_message": page,
                    "context": {
                        "first_name": "Anna",
                        "last_name": "Smith",
                        "order_no": number,
                        "company": "Ärger GmbH",
                    },
                }
                for number in range(first, min(first + QUEUED_AT_ONCE, count))
            ]
        )
    began = time.monotonic()
    call_command("send_queued_mail", processes=2, log_level=0, verbosity=0)
    seconds = time.monotonic() - began
    assert Email.objects.exclude(status=0).count() == 0
    Email.objects.all().delete()
    return count / seconds


def main() -> None:
    """Run the step that the command line names."""
    configure()
    if sys.argv[1] == "migrate":
        call_command("migrate", verbosity=0)
        print(0)
    else:
        print(send(int(sys.argv[2])))


if __name__ == "__main__":
    main()
