"""What the running programs may do, as the kernel tells, and what they refuse to begin with. The sniffer is started with
all of root's rights here: it is to give them up by itself."""

import os

import programs
from programs import NOBODY, ORDINARY_USER, Program
from registry import NO_CLIENT, scenario
from scenarios.startup import IN_GATEWAY, check_all
from shell import run, wait_until

NET_BIND_SERVICE, NET_ADMIN, NET_RAW = 1 << 10, 1 << 12, 1 << 13


def facts(pid):
    """/proc/PID/status as a dictionary."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return {name: value.strip() for name, value in (line.split(":", 1) for line in file)}


def threads(pid):
    """Those that the program started itself."""
    if programs.sanitizer != "tsan":
        return os.listdir(f"/proc/{pid}/task")
    print("tsan: only the main thread is looked at, for ThreadSanitizer's own runs before the program gives up anything")
    return [str(pid)]


def check_rights(program, allowed, bounding_too):
    """Every set holds no more than `allowed`; nothing can be gained, dumped, traced or called beyond it."""
    pid = program.tree()[0]
    found, wrong = facts(pid), []
    filters = "2"
    if programs.sanitizer:
        filters = "0"
        print(f"{programs.sanitizer}: a sanitizer's build has no filter of system calls")
    sets = ["CapEff", "CapPrm", "CapInh", "CapAmb"] + (["CapBnd"] if bounding_too else [])
    for name in sets:
        if int(found[name], 16) & ~allowed:
            wrong.append(f"{name} is {found[name]}")
    if int(found["CapEff"], 16) != allowed:
        wrong.append(f"CapEff is {found['CapEff']}, not {allowed:x}")
    for task in threads(pid):
        if facts(f"{pid}/task/{task}")["CapEff"] != found["CapEff"]:
            wrong.append(f"thread {task} has other capabilities")
        if facts(f"{pid}/task/{task}")["Seccomp"] != filters:
            wrong.append(f"thread {task} has Seccomp {facts(f'{pid}/task/{task}')['Seccomp']}, not {filters}")
    if found["NoNewPrivs"] != "1":
        wrong.append("new privileges can be had")
    # What is not dumpable belongs to root under /proc, whoever runs it.
    if os.stat(f"/proc/{pid}/environ").st_uid != 0:
        wrong.append("it is dumpable")
    with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
        core = next(line for line in limits if line.startswith("Max core file size"))
    if core.split()[4:6] != ["0", "0"]:
        wrong.append(f"core dumps: {core.strip()}")
    assert not wrong, f"{program.name}: {'; '.join(wrong)}"


@scenario("the_programs_keep_no_right_that_they_do_not_need")
def rights(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    sniffer = Program("jitwg-sniffer", IN_GATEWAY + env.jitwg.sniffer_command([gateway]), env.jitwg.log_path("sniffer"))
    env.jitwg.sniffer = sniffer
    env.jitwg.provisioner = Program("jitwg-provisioner", ORDINARY_USER + env.jitwg.provisioner_command(),
                                    env.jitwg.log_path("provisioner"))
    env.jitwg.start_sniffer()
    env.jitwg.start_provisioner()
    queue_only = "--completion hold" in " ".join(env.jitwg.sniffer_command([gateway]))
    check_rights(sniffer, NET_ADMIN if queue_only else NET_ADMIN | NET_RAW, bounding_too=True)
    check_rights(env.jitwg.provisioner, 0, bounding_too=True)
    if programs.sanitizer:
        print(f"{programs.sanitizer}: a sanitizer locks no memory, whatever the program asks for")
    else:
        assert facts(sniffer.tree()[0])["VmLck"] != "0 kB", "the interface's key is not in locked memory"
    # The group of --socket-group got its socket, though nobody may change owners any more.
    assert os.stat(env.jitwg.sniffer_socket.removeprefix("unix:")).st_gid == NOBODY
    pid = env.jitwg.provisioner.tree()[0]
    peek = run(*ORDINARY_USER, "cat", f"/proc/{pid}/environ", check=False)
    assert peek.returncode != 0, "its own user can look into the provisioner"
    assert client.ping(4, 20.0), "the client does not get in"


@scenario("peer_api_and_ingress_started_as_root_keep_none_of_its_rights", udp_only=NO_CLIENT, same_on_any_kernel=True)
def helpers_rights(env):
    env.world.add_interface()
    registry, tokens = f"sqlite:{env.jitwg.run}/api.db", f"{env.jitwg.run}/tokens"
    run(env.jitwg.path("jitwgctl"), "--registry", registry, "peer", "list")
    with open(os.open(tokens, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
        file.write("admin 0123456789abcdef0123456789abcdef\n")
    ingress = [env.jitwg.path("jitwg-ws-ingress"), "--plain", "--max-connections", "100", "--target", "127.0.0.1:51820",
               "--listen"]
    programs = [
        (Program("jitwg-peer-api", IN_GATEWAY + [
            env.jitwg.path("jitwg-peer-api"), "--registry", registry, "--token-file", tokens, "--listen",
            "127.0.0.1:0"], env.jitwg.log_path("api")), 0),
        (Program("jitwg-ws-ingress", IN_GATEWAY + ingress + ["127.0.0.1:8443"], env.jitwg.log_path("ingress")), 0),
        # A port of the old kind needs one right, and gets no other.
        (Program("jitwg-ws-ingress", IN_GATEWAY + ingress + ["127.0.0.1:443"], env.jitwg.log_path("ingress-443")),
         NET_BIND_SERVICE),
    ]
    try:
        for program, allowed in programs:
            program.start()
            wait_until(lambda program=program: "_started" in program.log() or not program.running, 15, "it serves")
            assert program.running, program.log()[-2000:]
            check_rights(program, allowed, bounding_too=True)
    finally:
        for program, _ in programs:
            if program.started:
                program.stop()


@scenario("a_sniffer_with_a_user_of_its_own_lets_a_client_in")
def own_user(env):
    gateway, client = env.world.add_interface(), env.world.add_client()
    client.point_at(gateway)
    env.jitwg.register(client)
    # The control socket of userspace WireGuard is root's, and wireguard-go ends when somebody gives it away.
    user = 0 if os.path.exists(f"/var/run/wireguard/{gateway.name}.sock") else NOBODY
    folder = f"{env.jitwg.run}/own"
    env.jitwg.sniffer_socket = f"unix:{folder}/sniffer.sock"
    env.jitwg.sniffer = Program("jitwg-sniffer", IN_GATEWAY + replaced(
        env.jitwg.sniffer_command([gateway]), "--state-dir", f"{folder}/state") + ["--user", str(user)],
        env.jitwg.log_path("sniffer"))
    env.jitwg.provisioner = Program("jitwg-provisioner", ORDINARY_USER + env.jitwg.provisioner_command(),
                                    env.jitwg.log_path("provisioner"))
    env.jitwg.start_sniffer()
    env.jitwg.start_provisioner()
    queue_only = "--completion hold" in " ".join(env.jitwg.sniffer_command([gateway]))
    check_rights(env.jitwg.sniffer, NET_ADMIN if queue_only else NET_ADMIN | NET_RAW, bounding_too=True)
    assert facts(env.jitwg.sniffer.tree()[0])["Uid"].split() == [str(user)] * 4
    for path, mode in ((folder, 0o750), (f"{folder}/state", 0o700)):
        found = os.stat(path)
        assert (found.st_uid, found.st_mode & 0o7777) == (user, mode), f"{path}: {found}"
    assert client.ping(4, 20.0), "the client does not get in"


@scenario("a_socket_directory_that_anyone_may_write_is_refused", udp_only=NO_CLIENT)
def open_directory(env):
    gateway = env.world.add_interface()
    env.jitwg.ctl("peer", "list")  # makes the registry, which the provisioner would tell of
    cases = []
    for mode in (0o777, 0o1777):
        folder = f"{env.jitwg.run}/open-{mode:o}"
        os.makedirs(folder)
        os.chmod(folder, mode)
        cases += [
            (f"sniffer, mode {mode:o}", IN_GATEWAY + replaced(
                env.jitwg.sniffer_command([gateway]), "--listen", f"unix:{folder}/s.sock"), [[folder, "chmod o-w"]]),
            (f"provisioner, mode {mode:o}", ORDINARY_USER + replaced(
                env.jitwg.provisioner_command(), "--admin-listen", f"unix:{folder}/a.sock"), [[folder, "chmod o-w"]]),
        ]
    check_all(cases)


@scenario("tcp_without_mutual_tls_is_refused_at_start", udp_only=NO_CLIENT, same_on_any_kernel=True)
def plain_tcp(env):
    gateway = env.world.add_interface()
    check_all([
        ("sniffer", IN_GATEWAY + replaced(env.jitwg.sniffer_command([gateway]), "--listen", "127.0.0.1:7000"),
         [["--listen", "mutual TLS", "--tls-ca", "--tls-cert", "--tls-key", "--tls-client-name"]]),
        ("provisioner", ORDINARY_USER + replaced(env.jitwg.provisioner_command(), "--sniffer", "127.0.0.1:7000"),
         [["--sniffer", "mutual TLS", "--tls-ca", "--tls-cert", "--tls-key"]]),
    ])


def replaced(command, option, value):
    """The command with another value of an option that it has."""
    command = list(command)
    command[command.index(option) + 1] = value
    return command
