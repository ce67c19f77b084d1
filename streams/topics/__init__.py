"""Topics on the cluster: what the table asks for against what there is."""
