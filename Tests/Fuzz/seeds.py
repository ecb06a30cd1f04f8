"""Seeds of the fuzz targets, out of what is there: lines of the protocol's page, and a real log where a service has been built."""

import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
OUT = Path(sys.argv[1])
HEADER = 120


def keep(target, number, content):
    (OUT / target).mkdir(parents=True, exist_ok=True)
    (OUT / target / f"{number:04}").write_bytes(content)


def dictionary(target, words):
    (OUT / f"{target}.dict").write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"\n' for word in sorted(words)))


def commands():
    """Lines with a tag, of the protocol's page and of the parser's own test."""
    page = (REPOSITORY / "docs/PROTOCOL.md").read_text()
    test = (REPOSITORY / "Tests/ServerTests/ProtocolFuzzTests.swift").read_text()
    shown = re.findall(r"^\w+ [A-Z]{3,4}\b[^\n]*", page, re.M)
    return shown + re.findall(r'"(\w+ [A-Z]{3,4}\b[^"]*)"', test)


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def to_varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def batches(segment):
    """Bytes of each batch of a segment, with their count in front; as docs and Format.swift say."""
    at = 0
    while segment[at:at + 4] == b"\x5c\x2a\x4d\x18":
        header = segment[at:at + HEADER]
        size, sessions, count = (int.from_bytes(header[o:o + 4], "little") for o in (88, 92, 20))
        payload = subprocess.run(["zstd", "-dcq"], input=segment[at + HEADER:at + HEADER + size], capture_output=True, check=True).stdout
        place = 0
        for _ in range(sessions):
            place += 16
            for _ in range(4):
                length, place = varint(payload, place)
                place += length
        for _ in range(count):
            records, place = varint(payload, place)
            length, place = varint(payload, place)
            yield to_varint(records) + payload[place:place + length]
            place += length
        at += HEADER + size


def logs():
    """A small log of two starts, killed and stopped: its segments, cut to their frames."""
    sys.path.insert(0, str(REPOSITORY / "Tests/EndToEnd"))
    import tempfile
    from service import Service, binary
    try:
        binary()
    except FileNotFoundError as missing:
        print(f"no seeds from a real log: {missing}", file=sys.stderr)
        return [], []
    with tempfile.TemporaryDirectory() as directory:
        service = Service(directory, config="segment_bytes: 65536\n")
        snapshots = []
        for end in (service.kill, service.stop):
            service.start()
            with service.lines() as lines:
                for line in ["1 DEP 7 USD 1000000.00 ref=usd", "1 DEP 7 BTC 10 ref=btc", *commands()]:
                    if " AUTH " not in line and " QUIT" not in line and " SUB " not in line:
                        lines.ask(line)
                # Enough at once for a frame that zstd compresses.
                lines.send("".join(f"1 NEW 7 BTC-USD B LMT 0.1 100.00 GTC id=many{n}\n" for n in range(200)))
                for _ in range(200):
                    lines.answer()
                print(lines.ask("1 SNP", timeout=30), file=sys.stderr)
            snapshots += service.data.glob("snapshot-*.snap")
            end()
        return ([path.read_bytes().rstrip(b"\0") for path in sorted([*service.data.rglob("*.wal")])],
                [(int(path.stem.partition("-")[2]), path.read_bytes()) for path in sorted(set(snapshots)) if path.exists()])


def main():
    lines = commands()
    for number, line in enumerate(lines):
        keep("Lines", number, line.encode() + b"\n")
    story = ["1 NEW 7 BTC-USD B LMT 0.5 64000.00 GTC id=a", "2 FIL 7 BTC-USD id=a 0.2 63990.00 fee=1.2 exec=x", "3 RPL 7 BTC-USD id=a 0.4 63900.00",
             "4 CXL 7 BTC-USD id=a", "5 NEW 7 P-USD S MKT 1 - IOC id=b", "6 FIL 7 P-USD id=b 1 100.1 exec=y feeasset=EUR fee=-1", "7 CLS 7 P-USD - - id=c",
             "8 XFR 7 8 USD 5 ref=t", "9 XFR 7 7 USD 5 ref=u from=spot to=futures", "a PTO 8 BTC-USD -0.5 64000 ref=p", "b ACC 7 suspend", "c CXA 7",
             "d HLD 8 USD 1 ref=h", "e LIM 7 max_open=1", "e LIM * max_daily_loss=5 max_order_rate=3 short=0", "e LIM 7 reset=loss", "e DMS 7 5", "f ORD 7 status=all", "g BAL 7", "h POS 7", "i TRD 7 BTC-USD id=a"]
    keep("Lines", len(lines), "\n".join(story).encode())
    market = ["1 NEW 8 BTC-EUR S LMT 0.5 100.00 GTC id=a display=0.1", "2 NEW 7 BTC-EUR B LMT 0.2 100.00 GTC id=b stp=both", "3 NEW 7 BTC-EUR S LMT 0.1 90.00 GTC id=c stop=95.00",
              "4 NEW 7 BTC-EUR S LMT 0.1 120.00 GTC id=d oco=c post=1", "5 NEW 7 BTC-EUR B MKT 0.2 - IOC id=e max=15", "6 NEW 8 BTC-EUR B LMT 0.1 99.00 FOK id=f reduce=1",
              "7 RPL 8 BTC-EUR id=a 0.4 101.00", "8 MRK BTC-EUR 94", "9 NEW 7 BTC-EUR B MKT 0.1 - GTC id=g stop=93 take=1 trigger=mark max=20", "a RPL 7 BTC-EUR id=g 0.2 - stop=92 max=20",
              "b MRK BTC-EUR 91", "c CLS 7 BTC-EUR id=h", "d BOOK BTC-EUR depth=5", "e MKT", "f INS BTC-EUR state=cancel_only maker_bps=-0.5", "g CXA 8"]
    keep("Lines", len(lines) + 1, "\n".join(market).encode())
    words = {word for line in lines + story + market for word in re.split(r"[ =,]", line)[1:] if 1 < len(word) < 12}
    dictionary("Lines", words | {key + "=" for line in lines for key in re.findall(r"(\w+)=", line)})

    for number, text in enumerate(['{"symbol":"BTC-USD","order_type":"limit","quantity":"0.1","price":64000.00}', '[1,-0.5e+10,true,false,null,"\\u00e9\\ud83d\\ude00\\n"]',
                                   '{"a":{"b":[[],{}]}}', ' "x" ']):
        keep("JSON", number, text.encode())
    dictionary("JSON", {"true", "false", "null", "\\u", "\\ud83d\\ude00", '":', '{"', "}]", "1e5", "-0."})

    segments, snapshots = logs()
    for flags in (0, 1, 2, 3):
        for number, (lsn, snapshot) in enumerate(snapshots):
            keep("Snapshots", 10 * flags + number, bytes([flags]) + lsn.to_bytes(8, "little") + snapshot)
    for number, segment in enumerate(segments):
        for index, batch in enumerate(batches(segment)):
            keep("Records", 1000 * number + index, batch)
    for flags in (0, 1, 3, 4, 5, 15) if segments else ():
        for number, segment in enumerate(segments):
            keep("Segments", 10 * flags + number, bytes([flags]) + len(segment).to_bytes(4, "little") + segment)
        both = segments[0][:6000], segments[1][:6000]
        keep("Segments", 10 * flags + 5, bytes([flags]) + len(both[0]).to_bytes(4, "little") + both[0] + both[1])


main()
