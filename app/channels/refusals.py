"""What mail servers mean when they refuse: the codes of RFC 3463, and words where there is no code. Pure."""

import re

# Enhanced codes without their class ("1.1" of 5.1.1).
INVALID_ADDRESS = frozenset({"1.0", "1.1", "1.2", "1.3", "1.6", "1.10", "2.1"})
FULL_MAILBOX = frozenset({"2.2"})
TOO_LARGE = frozenset({"3.4", "2.3"})

FULL_WORDS = re.compile(r"quota|mailbox.{0,20}full|over.{0,10}storage|insufficient.{0,20}storage", re.I)
UNKNOWN_USER_WORDS = re.compile(
    r"(user|recipient|mailbox|address|account).{0,30}(unknown|not found|not exist|no such|unavailable|invalid|disabled)"
    r"|(unknown|no such|invalid|non-?existent).{0,20}(user|recipient|mailbox|address|account)"
    r"|does(n't| not) exist",
    re.I,
)
