package awserr

import "strings"

// The sets of codes. Unless a set says otherwise, its EC2 codes are from
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
// and the codes common to the services that speak the query protocol from
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html
//
// They are functions, not maps, because nobody may add to them at run time.

// notFoundCode: what the request names does not exist, or does not exist yet.
//
// A bare HTTP status 404 is not enough to be in this set: a wrong endpoint
// answers 404 to everything, and "not found" is what a deletion takes for
// done. The exception is S3's HEAD requests, whose answers have no body and
// whose code the SDK makes of the status line: NotFound.
//
// IAM: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
// S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
// SSM: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
// Scheduler: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html
func notFoundCode(code string) bool {
	switch code {
	case "NoSuchEntity", // IAM
		"NoSuchBucket", "NoSuchKey", "NotFound", // S3
		"ParameterNotFound",                                  // SSM
		"ResourceNotFoundException",                          // Scheduler and other JSON services
		"NoSuchResourceException",                            // Service Quotas
		"Gateway.NotAttached",                                // the attachment is what is missing
		"InvalidLaunchTemplateName.NotFoundException",        // these two break
		"InvalidInstanceConnectEndpointId.NotFoundException": // EC2's own pattern
		return true
	}
	// EC2 has one such code a kind of resource: InvalidInstanceID.NotFound,
	// InvalidGroup.NotFound, InvalidSubnetID.NotFound and so on.
	return strings.HasPrefix(code, "Invalid") && strings.HasSuffix(code, ".NotFound")
}

// inUseCode: it cannot be deleted while something else depends on it.
//
// IAM: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html
// S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func inUseCode(code string) bool {
	switch code {
	case "DependencyViolation",
		"VolumeInUse",
		"InvalidGroup.InUse",
		"InvalidNetworkInterface.InUse",
		"ResourceInUse", "ResourceInUseException",
		"DeleteConflict", // IAM
		"BucketNotEmpty": // S3
		return true
	}
	return false
}

// alreadyExistsCode: it is there already, and it is the caller's own.
//
// IAM: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
// S3: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
// Scheduler: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func alreadyExistsCode(code string) bool {
	switch code {
	case "InvalidGroup.Duplicate",
		"InvalidPermission.Duplicate",
		"InvalidKeyPair.Duplicate",
		"RouteAlreadyExists",
		"Resource.AlreadyAssociated", // a gateway attached, a route table associated
		"InvalidSubnet.Conflict",     // another subnet of the VPC has the addresses
		"EntityAlreadyExists",        // IAM
		"BucketAlreadyOwnedByYou",    // S3
		"ConflictException":          // Scheduler
		return true
	}
	return false
}

// takenByOthersCode: the name is global and another account has it.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func takenByOthersCode(code string) bool { return code == "BucketAlreadyExists" }

// noCapacityCode: EC2 does not give this instance here and now, to anyone or
// to this account; another type, another zone or the other market may do.
//
// A quota is among them because the answer to it is the same: the next
// candidate. Unsupported is what a zone answers that does not have the type;
// it has other causes too, so the message is always worth showing.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
func noCapacityCode(code string) bool {
	switch code {
	case "InsufficientInstanceCapacity",
		"InsufficientHostCapacity",
		"InsufficientReservedInstanceCapacity",
		"InsufficientCapacity",
		"InsufficientCapacityOnHost",
		"UnfulfillableCapacity",
		"ReservationCapacityExceeded",
		"InstanceLimitExceeded",
		"VcpuLimitExceeded",
		"MaxSpotInstanceCountExceeded",
		"SpotMaxPriceTooLow",
		"Unsupported":
		return true
	}
	return false
}

// quotaCode: the account, or the resource, may not have more of these. Quotas
// that another instance type or market may escape are noCapacityCode's.
//
// EC2 has one such code a kind of resource: VpcLimitExceeded,
// SecurityGroupLimitExceeded, VolumeLimitExceeded and so on.
//
// IAM: https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html
// Scheduler: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func quotaCode(code string) bool {
	switch code {
	case "LimitExceededException",
		"ServiceQuotaExceededException", // Scheduler
		"TooManyBuckets":                // S3
		return true
	}
	return strings.HasSuffix(code, "LimitExceeded") && !noCapacityCode(code) && !throttledCode(code)
}

// throttledCode: too many requests; the same request succeeds later. IAM's
// LimitExceeded is not among them: that one is a quota, and stays.
//
// https://docs.aws.amazon.com/AWSEC2/latest/DeveloperGuide/ec2-api-throttling.html
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
func throttledCode(code string) bool {
	switch code {
	case "RequestLimitExceeded", "EC2ThrottledException", // EC2
		"SlowDown",                                                // S3
		"Throttling", "ThrottlingException", "ThrottledException", // the others
		"RequestThrottled", "RequestThrottledException",
		"TooManyRequestsException", "BandwidthLimitExceeded",
		"PriorRequestNotComplete":
		return true
	}
	return false
}

// deniedCode: the caller is known, and may not do this.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func deniedCode(code string) bool {
	switch code {
	case "UnauthorizedOperation", // EC2
		"AccessDenied",               // IAM, STS, S3
		"AccessDeniedException",      // the JSON services
		"Forbidden",                  // S3's HEAD requests, whose answers have no body
		"AllAccessDisabled",          // S3
		"OperationNotPermitted",      // EC2
		"NotAuthorized",              // common
		"UnauthorizedAccess",         // common
		"OptInRequired",              // the account has not subscribed
		"PendingVerification",        // the account is being looked at
		"Blocked", "AccountDisabled": // the account may do nothing now
		return true
	}
	return false
}

// badCredentialsCode: the caller is not known, or no longer. EC2 says
// AuthFailure also in a region that the account has not opted into.
//
// STS: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
// S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func badCredentialsCode(code string) bool {
	switch code {
	case "AuthFailure", "InvalidClientTokenId", "MissingAuthenticationToken",
		"MissingAuthenticationTokenException", "IncompleteSignature",
		"IncompleteSignatureException",
		"SignatureDoesNotMatch", "InvalidSignatureException",
		"RequestExpired", "RequestTimeTooSkewed",
		"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired",
		"UnrecognizedClientException", "InvalidAccessKeyId", "NotSignedUp",
		"CredentialsExpiredException":
		return true
	}
	return false
}

// serverTroubleCode: the service failed in the middle; whether the request was
// carried out is not known.
func serverTroubleCode(code string) bool {
	switch code {
	case "InternalError", "InternalFailure", "InternalServerError", "InternalServerException",
		"ServiceUnavailable", "ServiceUnavailableException", "Unavailable", "ServerInternal",
		"RequestTimeout", "RequestTimeoutException":
		return true
	}
	return false
}
