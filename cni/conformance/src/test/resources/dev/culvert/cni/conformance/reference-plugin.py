#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A CNI plugin that does all that the specification 1.1.0 asks, or all but one thing.

FaultsNetnsTest writes copies of it with another FAULT each; every check of the kit has to find its fault. An attachment is a
veth pair and a file named by its address; both are made in one step each, and DEL finds them by the attachment's name, so that a
kill at any moment leaves nothing that DEL does not take.
"""
import fcntl
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import time

FAULT = "@FAULT@"
STATE = "@STATE@"
ADDRESSES = 6
VERSIONS = ["0.3.1", "0.4.0", "1.0.0", "1.1.0"]
GATEWAY = "10.77.0.1"


def fault(name):
    return FAULT == name


class Refused(Exception):
    def __init__(self, code, msg):
        super().__init__(msg)
        self.code = code


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(100, "ip %s: %s" % (" ".join(arguments), done.stderr.strip()))
    return done.stdout


def namespace():
    return os.environ.get("CNI_NETNS", "")


def inside(*arguments):
    return ip("-n", os.path.basename(namespace()), *arguments)


def links(show):
    return {link["ifname"]: link for link in json.loads(show("-j", "addr") or "[]") if link}


class Call:
    """One attachment, or for GC and STATUS a network alone."""

    def __init__(self, conf):
        self.conf = conf
        self.version = conf.get("cniVersion", "0.1.0")
        self.network = conf["name"]
        self.id = os.environ.get("CNI_CONTAINERID", "")
        self.ifname = os.environ.get("CNI_IFNAME", "")

    @property
    def folder(self):
        name = "all" if fault("several.networks") else self.network
        return os.path.join(STATE, name)

    @property
    def owner(self):
        return self.id if fault("several.interfaces") or fault("several.networks") else self.id + " " + self.ifname

    def files(self):
        return [f for f in glob.glob(self.folder + "/10.*") if owner_of(f) == self.owner]


def owner_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def host_link(network, owner):
    return "rp" + hashlib.sha256((network + " " + owner).encode()).hexdigest()[:12]


def allocate(call):
    os.makedirs(call.folder, exist_ok=True)
    taken = set(os.path.basename(f) for f in glob.glob(call.folder + "/10.*"))
    wanted = [ip_.split("/")[0] for ip_ in call.conf.get("runtimeConfig", {}).get("ips", [])]
    if fault("capability.ips"):
        wanted = []
    if fault("parallel.add") or fault("parallel.mixed"):
        taken = set()
    candidates = wanted or ["10.77.0.%d" % (n + 2) for n in range(ADDRESSES)]
    for address in candidates:
        if address in taken and not (wanted and fault("capability.ips-taken")):
            continue
        path = os.path.join(call.folder, address)
        own = "%s/.%d" % (call.folder, os.getpid())
        with open(own, "w", encoding="utf-8") as file:
            file.write(call.owner)
        try:
            if fault("parallel.add") or fault("parallel.mixed") or fault("capability.ips-taken"):
                os.rename(own, path)
            else:
                os.link(own, path)
            return address
        except FileExistsError:
            continue
        finally:
            if os.path.exists(own):
                os.unlink(own)
    raise Refused(100, "no address is left")


def free(call):
    for file in call.files():
        os.unlink(file)
    # What a killed ADD was writing.
    for file in glob.glob(call.folder + "/.*"):
        if not os.path.exists("/proc/" + os.path.basename(file)[1:]):
            try:
                os.unlink(file)
            except FileNotFoundError:
                pass


def remove_link(name):
    try:
        ip("link", "del", name)
    except Refused:
        pass


def add(call):
    exists = call.ifname in links(inside)
    if exists and fault("add.foreign-interface"):
        inside("link", "del", call.ifname)
    elif exists and fault("add.twice"):
        remove_link(host_link(call.network, call.owner))
    elif exists:
        raise Refused(100, "the interface %s is there already" % call.ifname)
    if fault("kill.add") and os.path.exists(STATE + "/busy"):
        raise Refused(11, "busy")
    if fault("kill.add"):
        open(STATE + "/busy", "w", encoding="utf-8").close()
    address = allocate(call)
    host = host_link(call.network, call.owner)
    runtime = call.conf.get("runtimeConfig", {})
    mac = [] if fault("capability.mac") or "mac" not in runtime else ["address", runtime["mac"]]
    try:
        link(call, host, address, mac)
    except Refused:
        free(call)
        remove_link(host)
        raise
    if fault("kill.add"):
        os.unlink(STATE + "/busy")
    return result(call, host, address)


def link(call, host, address, mac):
    pair = ["type", "veth", "peer", "name", call.ifname, *mac, "netns", os.path.basename(namespace())]
    ip("link", "add", host, *pair)
    ip("link", "set", host, "up")
    if fault("add.interface.gone"):
        remove_link(host)
        return
    if not fault("add.addresses"):
        inside("addr", "add", address + "/24", "dev", call.ifname)
    if fault("add.addresses.more"):
        inside("addr", "add", "10.78.0.1/24", "dev", call.ifname)
    if fault("add.interface"):
        return
    inside("link", "set", call.ifname, "up")
    if not fault("add.routes"):
        inside("route", "replace", "default", "via", GATEWAY, "dev", call.ifname, "metric", str(len(links(inside))))
    if fault("del.traces"):
        ip("route", "replace", "10.79.0.0/24", "dev", "lo", "table", str(os.getpid() % 30000 + 1000))


def result(call, host, address):
    nics = links(inside)
    nic = nics.get(call.ifname, {"address": "02:00:00:00:00:01", "mtu": 1500})
    interfaces = [
        {"name": host, "mac": links(ip)[host]["address"] if not fault("add.interface.gone") else nic["address"]},
        {"name": call.ifname, "mac": nic["address"], "sandbox": namespace()},
    ]
    if call.version == "1.1.0":
        interfaces[1]["mtu"] = nic["mtu"]
    if fault("add.sandbox"):
        interfaces[1]["sandbox"] = os.path.basename(namespace())
    if fault("add.hardware"):
        interfaces[1]["mac"] = "02:00:00:00:00:99"
    if fault("add.hardware.mtu"):
        interfaces[1]["mtu"] = 9000
    one = {"address": address + "/24", "gateway": GATEWAY, "interface": 1}
    if fault("add.host-interfaces"):
        interfaces = interfaces[1:]
        one["interface"] = 0
    if fault("add.host-interfaces.more"):
        interfaces.append({"name": "nowhere0"})
    if fault("add.result.index"):
        one["interface"] = 5
    if fault("add.result.address"):
        one["address"] = address
    if call.version < "1.0.0" and not fault("add.result.family") or fault("add.result.no-family"):
        one["version"] = "4"
    return {
        "cniVersion": "1.0.0" if fault("add.result") else call.version,
        "interfaces": interfaces,
        "ips": [one],
        "routes": [{"dst": "0.0.0.0/0", "gw": GATEWAY}],
        "dns": {},
    }


def delete(call):
    if fault("del.netns-gone") and namespace() and not os.path.exists(namespace()):
        raise Refused(100, "no namespace")
    if fault("del.netns-empty") and not namespace():
        raise Refused(4, "CNI_NETNS is missing")
    if fault("del.no-previous") and "prevResult" not in call.conf and call.files():
        return
    if fault("del.never-added") and not call.files():
        raise Refused(3, "unknown container")
    known = bool(call.files())
    if fault("del.interface-gone") and known and os.path.exists(namespace()) and call.ifname not in links(inside):
        raise Refused(100, "no interface")
    if fault("parallel.del"):
        lock = open(STATE + "/lock", "w", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise Refused(11, "busy") from e
        time.sleep(1)
    if fault("kill.del"):
        tombstone = STATE + "/deleting-" + hashlib.sha256(call.owner.encode()).hexdigest()
        try:
            os.close(os.open(tombstone, os.O_CREAT | os.O_EXCL))
        except FileExistsError as e:
            raise Refused(11, "somebody deletes it already") from e
    if fault("del.twice") and not known:
        raise Refused(3, "unknown container")
    if fault("kill.addresses"):
        # The record goes before what it is the record of.
        journal = STATE + "/journal-" + hashlib.sha256(call.owner.encode()).hexdigest()
        if os.path.exists(journal):
            remove_link(host_link(call.network, call.owner))
            return
        open(journal, "w", encoding="utf-8").close()
        time.sleep(0.1)
    if fault("several.interfaces"):
        for name in list(links(inside)) if os.path.exists(namespace()) else []:
            if name.startswith("eth"):
                inside("link", "del", name)
    if not (fault("del.addresses") and not os.path.exists(namespace())):
        free(call)
    if fault("del.removes"):
        return
    if fault("del.others"):
        for name in links(ip):
            if name.startswith("rp"):
                remove_link(name)
    if fault("several.networks"):
        for name in list(links(inside)) if os.path.exists(namespace()) else []:
            if name.startswith("eth"):
                inside("link", "del", name)
    remove_link(host_link(call.network, call.owner))
    if fault("kill.del"):
        os.unlink(tombstone)
    if fault("kill.addresses"):
        os.unlink(journal)


def check(call):
    if fault("check.hangs"):
        with open(STATE + "/hanging.new", "w", encoding="utf-8") as file:
            file.write(str(os.getpid()))
        os.rename(STATE + "/hanging.new", STATE + "/hanging")
        time.sleep(3600)
    if fault("check.ok"):
        raise Refused(100, "never right")
    if fault("check.ok.changes"):
        inside("link", "set", call.ifname, "mtu", "1400")
    previous = call.conf.get("prevResult")
    if not previous:
        if fault("check.no-previous"):
            return
        raise Refused(7, "prevResult is missing")
    nic = links(inside).get(call.ifname)
    if not nic:
        if fault("check.interface-gone") or fault("check.unknown") and not call.files():
            return
        raise Refused(100, "the interface is gone")
    seen = ["%s/%d" % (info["local"], info["prefixlen"]) for info in nic["addr_info"]]
    if not fault("check.address-gone") and any(one["address"] not in seen for one in previous["ips"]):
        raise Refused(100, "an address is gone")
    if not fault("check.route-gone") and not fault("check.address-gone") and "default" not in inside("route", "show"):
        raise Refused(100, "a route is gone")


def gc(call):
    if fault("gc.keeps.unavailable"):
        raise Refused(4, "unknown command")
    valid = [one["containerID"] + " " + one["ifname"] for one in call.conf.get("cni.dev/valid-attachments", [])]
    if fault("gc.keeps"):
        valid = []
    if fault("gc.removes"):
        return
    hosts = links(ip)
    for file in sorted(glob.glob(call.folder + "/10.*")):
        owner = owner_of(file)
        if owner in valid:
            continue
        name = host_link(call.network, owner)
        if fault("gc.goes-on") and name not in hosts:
            raise Refused(100, "the interface %s is gone" % name)
        os.unlink(file)
        remove_link(name)


def status(call):
    if os.path.exists(STATE + "/down") and not fault("outage.status"):
        raise Refused(50, "the daemon is down")
    full = len(glob.glob(call.folder + "/10.*")) >= ADDRESSES
    if fault("status.ready"):
        raise Refused(50, "never ready")
    if full and not fault("status.full"):
        raise Refused(50, "no address is left")


def required(command):
    if command in ("ADD", "CHECK"):
        return ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]
    return ["CNI_CONTAINERID", "CNI_IFNAME"] if command == "DEL" else []


def environment(command):
    if command not in ("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"):
        if fault("env.unknown-command"):
            sys.exit(0)
        if command or not fault("env.no-command"):
            code = 100 if fault("env.unknown-command.code") else 4
            raise Refused(code, "CNI_COMMAND: there is no verb %r" % command)
        sys.exit(0)
    if fault("env.missing") and command == "DEL" and not os.environ.get("CNI_IFNAME"):
        sys.exit(0)
    for name in required(command):
        if not os.environ.get(name):
            code = 100 if fault("env.missing.code") else 4
            raise Refused(code, "something is missing" if fault("env.missing.code.name") else name + " is missing")
    if fault("env.args") and "K8S" in os.environ.get("CNI_ARGS", ""):
        raise Refused(4, "CNI_ARGS has an unknown key")
    if fault("env.no-path") and command == "ADD" and not os.environ.get("CNI_PATH"):
        raise Refused(4, "CNI_PATH is missing")
    if "CNI_CONTAINERID" in required(command):
        if not fault("env.container-id") and not re.fullmatch(r"[A-Za-z0-9][\w.-]*", os.environ["CNI_CONTAINERID"]):
            raise Refused(4, "CNI_CONTAINERID has a character that it may not have")
    if command == "ADD":
        ifname = os.environ["CNI_IFNAME"]
        if len(ifname) > 15 or ifname in (".", "..") or re.search(r"[/:\s]", ifname):
            if fault("env.ifname"):
                os.environ["CNI_IFNAME"] = re.sub(r"[^a-z]", "", ifname)[:15] or "eth0"
            else:
                raise Refused(100 if fault("env.ifname.code") else 4, "CNI_IFNAME cannot be a name")
        if not os.path.exists(namespace()):
            if fault("env.netns-missing"):
                sys.exit(0)
            if fault("env.netns-missing.leaves"):
                ip("link", "add", "left", "type", "veth", "peer", "name", "left2")
            raise Refused(4, "CNI_NETNS is not there")
        if not namespace().startswith("/run/netns/"):
            if fault("env.netns-file"):
                sys.exit(0)
            raise Refused(4, "CNI_NETNS is no namespace")


def configuration():
    text = sys.stdin.read()
    try:
        conf = json.loads(text)
    except json.JSONDecodeError as e:
        if fault("config.not-json"):
            sys.exit(0)
        raise Refused(100 if fault("config.not-json.code") else 6, "no JSON: %s" % e) from e
    if conf.get("cniVersion") not in VERSIONS:
        if not fault("config.version"):
            raise Refused(100 if fault("config.version.code") else 1, "cniVersion %s is not spoken" % conf["cniVersion"])
        conf["cniVersion"] = "1.0.0"
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", conf.get("name", "")):
        if not fault("config.name"):
            raise Refused(7, "the network has no good name")
        conf["name"] = "any"
    return conf


def version():
    asked = json.loads(sys.stdin.read())
    if fault("version.answers") and "name" not in asked:
        raise Refused(7, "the network has no name")
    listed = ["one"] if fault("version.answers.list") else VERSIONS
    return {"cniVersion": "1.1.0" if fault("version.echo") else asked["cniVersion"], "supportedVersions": listed}


def serve(command):
    environment(command)
    if command == "VERSION":
        return version()
    call = Call(configuration())
    if fault("hang") and command == "ADD":
        time.sleep(3600)
    if os.path.exists(STATE + "/down"):
        if command == "ADD":
            raise Refused(100 if fault("outage.add") else 11, "the daemon is down")
        if command == "DEL" and fault("outage.del"):
            raise Refused(11, "the daemon is down")
    verbs = {"ADD": add, "DEL": delete, "CHECK": check, "GC": gc, "STATUS": status}
    said = verbs[command](call)
    silent = {"DEL": "del.silent", "CHECK": "check.silent", "GC": "gc.silent"}
    return {} if said is None and fault(silent.get(command, "none")) else said


def main():
    os.makedirs(STATE, exist_ok=True)
    command = os.environ.get("CNI_COMMAND", "")
    try:
        said = serve(command)
    except Refused as e:
        error = {"cniVersion": "1.1.0", "code": e.code, "msg": str(e)}
        if fault("errors.form.version"):
            del error["cniVersion"]
        if fault("errors.form.msg"):
            error["msg"] = ""
        if fault("errors.codes") and e.code >= 100:
            error["code"] = 42
        print(json.dumps(error), file=sys.stderr if fault("errors.form") else sys.stdout)
        sys.exit(1)
    if fault("add.result.stdout") and command == "ADD":
        print("adding an interface")
    if said is not None:
        print(json.dumps(said))


main()
