"""What the campaigns of the demo say."""

HTML = """<div style="font-family: sans-serif; max-width: 36em">
<h1 style="color: #1f6f5c">{title}</h1>
<p>Dear {{{{ first_name | default: "reader" }}}},</p>
<p>{body}</p>
<p><a href="https://shop.example.com/offers">See what is new</a> or
<a href="https://shop.example.com/visit?from=letter">come and visit us</a>.</p>
<p>Yours,<br>the people of the Amber Shop</p>
</div>"""
TEXT = """Dear {{{{ first_name | default: "reader" }}}},

{body}

See what is new: https://shop.example.com/offers
Come and visit us: https://shop.example.com/visit?from=letter

Yours,
the people of the Amber Shop
"""


def letter(title: str, body: str) -> dict[str, str]:
    """The content of a campaign as values for campaigns.service."""
    return {
        "subject": f'{title}, {{{{ first_name | default: "reader" }}}}',
        "html": HTML.format(title=title, body=body),
        "text": TEXT.format(body=body),
    }
