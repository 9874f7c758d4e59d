"""Finds secrets in texts: API keys, access tokens, private keys and addresses of wallets.

The forms are those that their issuers document: a known prefix and a length. Passwords have no form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from autocakechat.corpus.masking.spans import Span

MIN_RUN = 16
"""Every secret contains a run of at least so many letters, digits, _ and -."""

_PRIVATE_KEY = (
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?!-----)[\s\S])*(?:-----END [A-Z0-9 ]{0,40}-----)?"  # a message may end in the middle of a key
)
_WITH_PREFIX = "|".join(
    [
        r"gh[opsur]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{30,255}",  # GitHub
        r"gl(?:pat|dt|rt|ptt|soat|cbt)-[A-Za-z0-9_.-]{20,300}",  # GitLab
        r"xox[abeoprs]-[A-Za-z0-9-]{16,255}|xapp-[A-Za-z0-9-]{16,255}",  # Slack
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",  # Amazon Web Services
        r"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{20,1000}",  # Google
        r"sk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]{2,10}-|or-v1-)?[A-Za-z0-9_-]{32,255}",  # OpenAI, Anthropic
        r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9]{24,255}",  # Stripe
        r"hf_[A-Za-z0-9]{30,60}",  # Hugging Face
        r"npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{60,300}",  # npm, PyPI
        r"do[opr]_v1_[a-f0-9]{64}",  # DigitalOcean
        r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}|key-[a-f0-9]{32}",  # SendGrid, Mailgun
        r"(?:AC|SK)[a-f0-9]{32}",  # Twilio
        r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",  # Shopify
        r"EAA[A-Za-z0-9]{60,400}",  # Meta
        r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}",  # Discord
        r"(?:bot)?\d{8,10}:[A-Za-z0-9_-]{35}",  # Telegram bots
        r"eyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{10,2000}",  # JSON web tokens
        r"AGE-SECRET-KEY-1[A-Z0-9]{58}",  # age
        r"0x[a-fA-F0-9]{64}|0x[a-fA-F0-9]{40}",  # Ethereum
        r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}",  # Grafana
        r"gsk_[A-Za-z0-9]{48,60}|xai-[A-Za-z0-9]{70,90}|pplx-[A-Za-z0-9]{40,60}",  # Groq, xAI, Perplexity
        r"nvapi-[A-Za-z0-9_-]{60,80}|r8_[A-Za-z0-9]{37}",  # NVIDIA, Replicate
        r"dckr_pat_[A-Za-z0-9_-]{27}|hv[sb]\.[A-Za-z0-9_-]{24,300}",  # Docker, Vault
        r"lin_api_[A-Za-z0-9]{40}|ntn_[A-Za-z0-9]{40,60}|secret_[A-Za-z0-9]{43}",  # Linear, Notion
        r"hooks\.slack\.com/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20,40}",  # Slack
        r"discord(?:app)?\.com/api/webhooks/\d{15,20}/[A-Za-z0-9_-]{60,80}",  # Discord
        r"(?i:aws_secret_access_key)[\"' ]{0,3}[:=][\"' ]{0,3}[A-Za-z0-9/+]{40}",  # Amazon Web Services
        r"(?i:bearer) [A-Za-z0-9_-]{16}[A-Za-z0-9_.-]{8,2000}",  # HTTP
        r"(?:5[HJK][1-9A-HJ-NP-Za-km-z]{49}|[KL][1-9A-HJ-NP-Za-km-z]{51})",  # private keys of Bitcoin
        r"T[1-9A-HJ-NP-Za-km-z]{33}",  # Tron
        r"(?:EQ|UQ|kQ|0Q)[A-Za-z0-9_-]{46}",  # TON
        r"[xyz]prv[1-9A-HJ-NP-Za-km-z]{107}",  # extended private keys of Bitcoin
    ]
)
_SECRET = re.compile(rf"{_PRIVATE_KEY}|(?<![\w-])(?:{_WITH_PREFIX})(?![\w-])")
_BITCOIN = re.compile(r"(?<!\w)(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[a-z0-9]{11,71}|BC1[A-Z0-9]{11,71})(?!\w)")


def find_secrets(text: str) -> Iterator[Span]:
    """Finds the secrets of a text.

    Args:
        text: Any text.

    Yields:
        Start and end of each secret, in the order of the text.
    """
    spans = [match.span() for match in _SECRET.finditer(text)]
    spans += [match.span() for match in _BITCOIN.finditer(text) if _is_bitcoin(match[0])]
    end_of_last = 0
    for start, end in sorted(spans):
        if start >= end_of_last:
            yield start, end
            end_of_last = end


def _is_bitcoin(candidate: str) -> bool:
    from stdnum import bitcoin

    # The library knows the checksum of addresses up to version 0; those of later versions have a fixed prefix.
    return bool(bitcoin.is_valid(candidate)) or (candidate.lower().startswith("bc1p") and len(candidate) == 62)
