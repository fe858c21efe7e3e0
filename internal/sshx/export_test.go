package sshx

// What differs between systems, for tests on any of them.
var (
	AgentAddress = agentAddress
	SSHFile      = sshFile
	QuotePathOn  = quotePathOn
)
