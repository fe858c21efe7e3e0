package local

// Served are the operations that the services answer whose requests name them:
// all but S3's.
func (c *Cloud) Served(service string) []string { return c.front.Operations(service) }
