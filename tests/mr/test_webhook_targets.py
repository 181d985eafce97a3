from ipaddress import ip_address

import pytest

from fh.mr.webhook_targets import may_reach, parse_networks, why_refused


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/a?b=c#d",
        "http://example.com:8080",
        "http://10.1.2.3/hook",
        "http://192.168.0.1",
        "http://[fd12::1]:99/x",
        "http://receiver/x",
        "http://a-1.b.example./x%20y",
        "http://172.16.0.1/",
    ],
)
def test_receivers_are_out_there_or_in_private_networks(url):
    assert why_refused(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "gopher://x:70/",
        "http://",
        "http:///path",
        "http://user:secret@example.com/",
        "http://user@example.com/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: y",
        "http://ex\u00e4mple.com/",
        "http://example.com\\@internal/",
        "https://example.com/" + "x" * 2000,
        "http://[::1",
        "http://localhost:8701/",
        "http://LOCALHOST./",
        "http://x.localhost/",
        "http://ip6-localhost/",
        "http://127.0.0.1/",
        "http://127.8.8.8:80/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://0.0.0.0/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://192.0.0.192/",
        "http://metadata.google.internal/",
        "http://metadata/",
        "http://168.63.129.16/",
        "http://[fd20:ce::254]/",
        "http://instance-data/",
        "http://INSTANCE-DATA./latest",
        "http://instance-data.ec2.internal/",
        "http://x..y/",
        "http://.x/",
        "http://x../",
        "http://./",
        "http://[2001:db8::1%25eth0]/",
        "http://[::7f00:1]/",
        "http://[::a00:1]/",
        "http://[::ffff:0:7f00:1]/",
        "http://[64:ff9b::5db8:d822]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:5db8:d822::1]/",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "http://[::ffff:168.63.129.16]/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[ff02::1]/",
    ],
)
def test_what_only_the_server_reaches_is_refused(url):
    assert why_refused(url)


def test_networks_can_be_allowed():
    allowed = parse_networks("127.0.0.0/8, 169.254.169.254/32")
    assert why_refused("http://localhost:3000/hook", allowed) is None
    assert why_refused("http://127.0.0.1:3000/hook", allowed) is None
    assert why_refused("http://[::ffff:127.0.0.1]/hook", allowed) is None
    assert why_refused("http://169.254.169.254/", allowed) is None
    assert why_refused("http://169.254.169.253/", allowed)
    assert why_refused("http://[::1]/", allowed)
    assert why_refused("http://[::1]/", parse_networks("::1")) is None
    assert why_refused("http://localhost/", parse_networks("10.0.0.0/8"))
    assert why_refused("http://localhost/", parse_networks("::1")) is None


def test_what_an_allowed_form_holds_must_be_allowed_too():
    """Behind NAT64 every name stands for such addresses."""
    translating = parse_networks("64:ff9b::/96, 2002::/16, 2001::/32, ::ffff:0:0:0/96")
    for inside, status in (("5db8:d822", True), ("7f00:1", False), ("a9fe:a9fe", False)):
        assert may_reach(ip_address(f"64:ff9b::{inside}"), translating) is status
        assert may_reach(ip_address(f"::ffff:0:{inside}"), translating) is status
        assert may_reach(ip_address(f"2002:{inside}::1"), translating) is status
    # Teredo holds its client's address with all bits turned, and its server's.
    assert may_reach(ip_address("2001:0:4136:e378:8000:63bf:3fff:fdd2"), translating)
    assert not may_reach(ip_address("2001:0:4136:e378:8000:63bf:80ff:fffe"), translating)
    assert not may_reach(ip_address("2001:0:7f00:1:8000:63bf:3fff:fdd2"), translating)


def test_a_sender_asks_for_each_address():
    assert may_reach(ip_address("93.184.216.34"))
    assert not may_reach(ip_address("127.0.0.1"))
    assert may_reach(ip_address("127.0.0.1"), parse_networks("127.0.0.0/8"))


@pytest.mark.parametrize("text", ["x", "10.0.0.1/8", "10.0.0.0/99"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match=r"does not appear|has host bits"):
        parse_networks(text)
