"""The network address that a request came from, as far as it can be believed."""

import ipaddress


def client_address(peer: str, forwarded_for: str, *, trusted_proxies: int) -> str:
    """Who is counted by the rate limits.

    ``forwarded_for`` is the X-Forwarded-For header. Only its last ``trusted_proxies``
    entries were written by proxies of ours; what stands before them anybody can invent.
    An IPv6 customer owns a whole /64, so that is what counts.
    """
    address = peer
    entries = [entry for entry in forwarded_for.split(",") if entry.strip()]
    if trusted_proxies and len(entries) >= trusted_proxies:
        address = entries[-trusted_proxies]
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return peer
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
