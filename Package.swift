// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
    name: "cashup",
    products: [
        .executable(name: "cashup", targets: ["cashup"]),
        .library(name: "Core", targets: ["Core"]),
        .library(name: "WAL", targets: ["WAL"]),
        .library(name: "Server", targets: ["Server"]),
        .library(name: "Client", targets: ["Client"]),
        // For the benches.
        .library(name: "Twin", targets: ["Twin"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.1.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.5.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // Pure state machine: imports nothing but the standard library (Tests/CoreTests/Tidy checks it), and one processor instruction.
        .systemLibrary(name: "CPrefetch", path: "Sources/Core/CPrefetch"),
        .target(name: "Core", dependencies: ["CPrefetch"], exclude: ["CPrefetch"], swiftSettings: strict),

        .systemLibrary(
            name: "CZstd", path: "Sources/WAL/CZstd", pkgConfig: "libzstd",
            providers: [.apt(["libzstd-dev"])]),
        .target(name: "WAL", dependencies: ["Core", "CZstd"], exclude: ["CZstd"], swiftSettings: strict),

        .target(
            name: "Server",
            dependencies: [
                "Core", "WAL", "Yams",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),

        .target(
            name: "Gateway",
            dependencies: [
                "Core", "Server", "History", "Client",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),

        .target(
            name: "History",
            dependencies: [
                "Core", "WAL", "Server",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),

        .target(
            name: "Client",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),

        .systemLibrary(
            name: "CEdit", path: "Sources/cashup/CEdit", pkgConfig: "libedit",
            providers: [.apt(["libedit-dev"])]),
        .executableTarget(
            name: "cashup",
            dependencies: [
                "Core", "WAL", "Server", "Gateway", "History", "Client", "CEdit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["CEdit"],
            swiftSettings: strict),

        // Matching once more, the plainest way (docs/MATCHING.md): what the tests and the simulator compare Core with.
        .target(name: "Twin", dependencies: ["Core"], path: "Tests/Twin", swiftSettings: strict),

        // The simulator's reference model, its auditor and its traders. They know the types of Core's mutations, and none of its rules.
        .target(name: "SimulatorModel", dependencies: ["Core", "Twin"], path: "Tests/Simulator/Model", swiftSettings: strict),
        .testTarget(name: "SimulatorTests", dependencies: ["Core", "Server", "SimulatorModel"], swiftSettings: strict),
        // The simulator: the real service over a simulated disk, network and clock (docs/RELIABILITY.md).
        .executableTarget(
            name: "simulate",
            dependencies: [
                "Core", "WAL", "Server", "SimulatorModel",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Simulator/World", swiftSettings: strict),

        .testTarget(name: "CoreTests", dependencies: ["Core", "Twin"], swiftSettings: strict),
        .testTarget(name: "WALTests", dependencies: ["Core", "WAL", "CZstd"], swiftSettings: strict),
        .testTarget(
            name: "ClientTests",
            dependencies: [
                "Client", "cashup", "Server",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ServerTests",
            dependencies: ["Core", "WAL", "Server", "Client", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict),
        .testTarget(
            name: "HistoryTests",
            dependencies: [
                "Core", "History", "Server", "Client",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
    ]
)
