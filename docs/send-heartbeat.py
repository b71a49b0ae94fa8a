#!/usr/bin/env python3
"""Sends one heartbeat: send-heartbeat.py SERVER PORT [FILE WITH ID:SECRET]"""
import hashlib, hmac, json, os, socket, sys, time

server, port, *key_file = sys.argv[1:]
datagram = {
    "v": 1,
    "host": socket.gethostname(),
    "boot": open("/proc/sys/kernel/random/boot_id").read().strip(),
    "n": time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000,  # grows within a boot
    "t": time.time_ns() // 1_000_000,
    "event": "heartbeat",
    "interval": 60,
    "metrics": {"load_monitor.load1": round(os.getloadavg()[0], 1)},
}
if key_file:
    datagram["key"], secret = open(key_file[0]).read().strip().split(":", 1)
data = json.dumps(datagram, separators=(",", ":")).encode()
if key_file:  # signs all but the closing brace, which then follows the signature
    tag = hmac.new(secret.encode(), data[:-1], hashlib.sha256).hexdigest()
    data = data[:-1] + b',"hmac":"' + tag.encode() + b'"}'
family, kind, _, _, address = socket.getaddrinfo(server, port, type=socket.SOCK_DGRAM)[0]
with socket.socket(family, kind) as sender:
    sender.sendto(data, address)
