import Foundation

/// The newest PostgreSQL that is installed, and how it is run: it refuses to be root, so root runs it as the user of Debian's package.
struct PostgresPrograms {
    private static let root = "/usr/lib/postgresql"
    private static let missing = "PostgreSQL's server is not installed: apt-get install postgresql (or: make peer-deps)"

    let version: String
    private let binaries: String
    private let isRoot = geteuid() == 0

    init() throws {
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: Self.root)) ?? []).compactMap { name in Int(name).map { ($0, name) } }
        let candidates = versions.sorted { $0.0 > $1.0 }.map { "\(Self.root)/\($0.1)/bin" }
        let inPath = PeerTool.find("initdb").map { [URL(fileURLWithPath: $0).deletingLastPathComponent().path] } ?? []
        guard
            let found = (candidates + inPath).first(where: { directory in
                ["initdb", "postgres"].allSatisfy { FileManager.default.isExecutableFile(atPath: "\(directory)/\($0)") }
            })
        else { throw BenchFailure(Self.missing) }
        binaries = found
        if isRoot, getpwnam(PostgresSession.user) == nil { throw BenchFailure("there is no user \(PostgresSession.user), and PostgreSQL does not run as root") }
        let printed = try PeerTool.run(["\(found)/postgres", "--version"])
        version = printed.split(separator: " ").dropFirst(2).joined(separator: " ")
    }

    /// `env` and its arguments, to run a program of PostgreSQL in `directory`. The request to die with the bench is lost when the user changes, so it is
    /// made again after that.
    func command(_ name: String, _ arguments: [String], in directory: URL) -> [String] {
        let user = isRoot
            ? ["/usr/bin/setpriv", "--reuid=\(PostgresSession.user)", "--regid=\(PostgresSession.user)", "--clear-groups", "--pdeathsig=KILL", "--"] : []
        return ["/usr/bin/env", "-C", directory.path] + user + ["\(binaries)/\(name)"] + arguments
    }

    func makeCluster(_ data: String, in directory: URL, settings: [PeerSetting]) throws {
        let password = directory.appendingPathComponent("password")
        try PeerTool.write(PeerTool.password, to: password)
        if isRoot, let user = getpwnam(PostgresSession.user) {
            for path in [directory.path, password.path] where chown(path, user.pointee.pw_uid, user.pointee.pw_gid) != 0 {
                throw BenchFailure("chown \(path): \(String(cString: strerror(errno)))")
            }
            guard (try? PeerTool.run(["/usr/bin/setpriv", "--reuid=\(PostgresSession.user)", "--clear-groups", "/usr/bin/test", "-x", directory.path])) != nil else {
                throw BenchFailure("the user \(PostgresSession.user), which PostgreSQL runs as, cannot reach \(directory.path): give another --directory")
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
