"""From rows to token ids: what of them carries loss, and with which weight."""
