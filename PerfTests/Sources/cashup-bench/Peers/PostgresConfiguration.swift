/// As its own experts would set it for this job on a small machine. What makes it safe is left on: fsync, synchronous_commit, full_page_writes.
enum PostgresConfiguration {
    static let settings: [PeerSetting] = [
        // Durable, each by itself the default; written down because the job is about them.
        PeerSetting("fsync", "on"),
        PeerSetting("synchronous_commit", "on"),
        PeerSetting("full_page_writes", "on"),
        // open_datasync was slower or the same.
        PeerSetting("wal_sync_method", "fdatasync"),
        // The log: no replicas, no archive, no checkpoint in a run; segments that were written before are used again.
        PeerSetting("wal_level", "minimal"),
        PeerSetting("max_wal_senders", "0"),
        // Whole pages are logged once after a checkpoint, so in the warm-up: nothing to compress in a run.
        PeerSetting("wal_compression", "off"),
        PeerSetting("wal_buffers", "64MB"),
        PeerSetting("wal_init_zero", "on"),
        PeerSetting("wal_recycle", "on"),
        PeerSetting("min_wal_size", "4GB"),
        PeerSetting("max_wal_size", "16GB"),
        PeerSetting("checkpoint_timeout", "1h"),
        // Longer groups help from some 32 sessions up, if they wait shortly; with eight, a delay costs more than it gives.
        PeerSetting("commit_delay", "20"),
        PeerSetting("commit_siblings", "10"),
        // Memory.
        PeerSetting("shared_buffers", "1GB"),
        PeerSetting("huge_pages", "try"),
        // Nothing beside the job.
        PeerSetting("autovacuum", "off"),
        PeerSetting("bgwriter_lru_maxpages", "0"),
        PeerSetting("jit", "off"),
        PeerSetting("max_parallel_workers", "0"),
        PeerSetting("track_activities", "off"),
        PeerSetting("track_counts", "off"),
        PeerSetting("update_process_title", "off"),
        PeerSetting("max_connections", "100"),
        PeerSetting("ssl", "off"),
        PeerSetting("listen_addresses", "'127.0.0.1'"),
        PeerSetting("unix_socket_directories", "''"),
    ]
}
