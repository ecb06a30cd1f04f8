import Foundation

/// The newest PostgreSQL that is installed, and how it is run: it refuses to be root, so root runs it as the user of Debian's package.
struct PostgresPrograms {
    private static let root = "/usr/lib/postgresql"
    private static let missing = "PostgreSQL's server is not installed: apt-get install postgresql (or: make peer-deps)"

    let version: String
    private let binaries: String
    private let isRoot = geteuid() == 0

    init() throws {
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: Self.root)) ?? []).compactMap { Int($0) }
        let candidates = versions.sorted(by: >).map { "\(Self.root)/\($0)/bin" }
        let inPath = PeerTool.find("initdb").map { [URL(fileURLWithPath: $0).deletingLastPathComponent().path] } ?? []
        guard
            let found = (candidates + inPath).first(where: { directory in
                ["initdb", "postgres"].allSatisfy { FileManager.default.isExecutableFile(atPath: "\(directory)/\($0)") }
            })
        else { throw BenchFailure(Self.missing) }
        binaries = found
        if isRoot, getpwnam(PostgresSession.user) == nil {
            throw BenchFailure("there is no user \(PostgresSession.user), and PostgreSQL does not run as root")
        }
        let printed = try PeerTool.run(["\(found)/postgres", "--version"])
        version = printed.split(separator: " ").dropFirst(2).joined(separator: " ")
    }

    /// `env` and its arguments, to run a program of PostgreSQL in `directory`. The request to die with the bench is lost when the user changes, so it
    /// is made again after that.
    func command(_ name: String, _ arguments: [String], in directory: URL) -> [String] {
        ["/usr/bin/env", "-C", directory.path] + asUser(["--pdeathsig=KILL"]) + ["\(binaries)/\(name)"] + arguments
    }

    private func asUser(_ options: [String] = []) -> [String] {
        let user = PostgresSession.user
        return isRoot ? ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"] + options + ["--"] : []
    }

    func makeCluster(_ data: String, in directory: URL, settings: [PeerSetting]) throws {
        let password = directory.appendingPathComponent("password")
        try PeerTool.write(PeerTool.password, to: password)
        if isRoot, let user = getpwnam(PostgresSession.user) {
            for path in [directory.path, password.path] where chown(path, user.pointee.pw_uid, user.pointee.pw_gid) != 0 {
                throw BenchFailure("chown \(path): \(String(cString: strerror(errno)))")
            }
            guard (try? PeerTool.run(asUser() + ["/usr/bin/test", "-x", directory.path])) != nil else {
                throw BenchFailure("\(PostgresSession.user), the user that PostgreSQL runs as, cannot reach \(directory.path): give another --directory")
            }
        }
        try PeerTool.run(
            command(
                "initdb",
                ["-D", data, "-U", PostgresSession.user, "-A", "password", "--pwfile", password.path, "-E", "UTF8", "--locale=C"], in: directory))
        let configuration = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(data)/postgresql.conf"))
        try configuration.seekToEnd()
        try configuration.write(contentsOf: Data(settings.map { "\($0.name) = \($0.value)\n" }.joined().utf8))
        try configuration.close()
    }
}
