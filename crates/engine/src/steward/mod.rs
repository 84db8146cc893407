//! Input -> outputs for the control thread: who may open how many connections, where pools live, orders to workers.
