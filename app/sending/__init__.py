"""From a campaign to messages at a provider: the ledger, its batches, the throttle and the send path."""
